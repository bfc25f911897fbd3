"""Where the files of runs go: a place that never takes any is told from one that is away, and is tried once."""

from __future__ import annotations

import contextlib
import errno
import math
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sparsetune.base.messages import Files
from sparsetune.base.stores.tracking_uri import is_database
from sparsetune.tracking.library import folder_of, seen_by_server, upload
from sparsetune.tracking.outbox import RETRY_SECONDS
from sparsetune.tracking.trouble import Refused, answer, refuses_files, shown, worded


@dataclass(frozen=True)
class Kept:
    """Why files are not in MLflow.

    Attributes:
        forever: it will never take them; else it may later.
    """

    reason: str
    forever: bool


class Shelf:
    """Takes files to a tracking store's places for them, all of which fare alike in one session."""

    def __init__(self, uri: str, clock: Callable[[], float]) -> None:
        self._uri, self._clock = uri, clock
        self._kept: Kept | None = None  # why nothing is tried before ``_due``
        self._due = 0.0
        self._shared = False  # the server sees what is written into a folder that it names

    def put(self, run_id: str, place: str, files: Files) -> Kept | None:
        """Copy a run's files to its place; None: all are there. Raises nothing of MLflow's."""
        present = {name: path for name, path in files.items() if path.is_file()}
        if not present:
            return None
        if self._kept is not None and self._clock() < self._due:
            return self._kept
        self._kept = None
        try:
            self._upload(run_id, place, present)
        except Exception as error:  # each store raises its own kinds
            if answer(error) is None or not refuses_files(error):
                return self._stop(place, error)
            return self._of_each(run_id, place, present)
        return None

    def try_again(self) -> None:
        """What is only away may be tried at once."""
        if self._kept is not None and not self._kept.forever:
            self._kept = None

    def _upload(self, run_id: str, place: str, files: Files) -> None:
        folder = folder_of(self._uri, place) if not is_database(self._uri) and not self._shared else None
        if folder is not None:
            self._onto_a_disk(run_id, folder, place, files)
            return
        try:
            upload(self._uri, place, files)
        except Exception as error:
            if answer(error) is not None:  # maybe before it has read all: the next call meets an ended connection
                with contextlib.suppress(Exception):
                    seen_by_server(self._uri, run_id)
            raise

    def _onto_a_disk(self, run_id: str, folder: Path, place: str, files: Files) -> None:
        """Write into a folder that a server names: it may be one of the server's own disk, which is not this one's."""
        if not folder.is_absolute():
            raise Refused("it is a folder of the server's own disk")
        missing = [each for each in (folder, *folder.parents) if not each.exists()]
        try:
            upload(self._uri, place, files)
        except OSError as error:
            if error.errno == errno.EROFS:
                raise Refused(str(error)) from None
            raise
        seen = seen_by_server(self._uri, run_id)
        if seen is not None and not seen.intersection(name.partition("/")[0] for name in files):
            withdraw(folder, missing)
            raise Refused("it is a folder of the server's own disk: what is written there from here, it does not see")
        self._shared = True

    def _stop(self, place: str, error: Exception) -> Kept:
        forever = refuses_files(error)
        root = shown(place).rsplit("/", 2)[0]  # of the experiment: all its runs fare alike
        self._kept = Kept(f"{worded(error, place)}; their place is {root}", forever)
        self._due = math.inf if forever else self._clock() + RETRY_SECONDS
        return self._kept

    def _of_each(self, run_id: str, place: str, files: Files) -> Kept | None:
        """A server has read files and refused them: which?"""
        refused = {}
        for name, path in files.items():
            try:
                self._upload(run_id, place, {name: path})
            except Exception as error:
                if answer(error) is None or not refuses_files(error):
                    return self._stop(place, error)
                refused[name] = worded(error, place)
        return Kept("; ".join(f"{name}: {why}" for name, why in refused.items()), forever=True) if refused else None


def withdraw(folder: Path, made: Sequence[Path]) -> None:
    """Remove a folder that was written in vain, and those above it that were made for it, as far as they are empty."""
    if folder in made:
        shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        for each in made[1:]:
            each.rmdir()

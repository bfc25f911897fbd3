"""One driver a study, in one project: a lock that the operating system frees when its holder dies, however it dies."""

from __future__ import annotations

import fcntl
import json
import os
import platform
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sparsetune.base.errors import BadInput
from sparsetune.base.paths import made, slug
from sparsetune.base.stores.former import former_places, same_folder
from sparsetune.base.stores.sqlite import reading, sqlite_path

if TYPE_CHECKING:
    from sparsetune.config.study.study import Study

PAUSES = (0.0, 0.05, 0.1, 0.2)  # seconds: whoever only asks holds the lock for a moment
_UID = """SELECT value_json FROM study_user_attributes NATURAL JOIN studies WHERE study_name = ? AND "key" = 'uid'"""


@dataclass(frozen=True)
class Holder:
    """The process that runs a study. ``pid`` and ``since_ms`` (Unix milliseconds) are 0 if they could not be read."""

    pid: int
    host: str
    since_ms: int


def place(url: str, runs: Path, study: str) -> Path:
    """The lock file of a study: beside an SQLite database, so that two projects on one storage exclude each other;
    else in the project.

    Args:
        url: of the study's storage.
        runs: the project's ``mlruns/``.
    """
    database = sqlite_path(url)
    return (runs if database is None else database.parent) / "locks" / f"{slug(study)}.lock"


def lock_of(url: str, runs: Path | None, study: str) -> Path | None:
    """The study's lock file; None for a server's study without a project."""
    return place(url, runs or Path(), study) if runs or sqlite_path(url) else None


def refuse_if_held(path: Path, study: str) -> None:
    """Raise :class:`BadInput` if a live driver holds the lock; writes nothing."""
    if _is_held(path):
        raise _held(path, study)


def others(folder: Path, own: Path | None = None) -> bool:
    """Whether a live driver holds one of a folder's locks, but for one's own; writes nothing."""
    return any(map(_is_held, set(folder.glob("*.lock")) - {own}))


def holder_of(path: Path) -> Holder | None:
    """Who holds the lock; None if nobody does, whatever the file says of one that has died. Writes nothing."""
    if not _is_held(path):
        return None
    with suppress(ValueError):
        pid, host, since = _said(path)
        return Holder(pid, host, int(_moment(since).timestamp() * 1000))
    return Holder(0, "", 0)


@contextmanager
def hold(path: Path, study: str) -> Iterator[None]:
    """Hold the lock; raise :class:`BadInput` if another process does."""
    made(path.parent)
    with path.open("a+b") as file:
        for pause in PAUSES:
            time.sleep(pause)
            with suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
        else:
            raise _held(path, study)
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        holder = {"pid": os.getpid(), "host": platform.node(), "since": now}
        file.truncate(0)
        file.write(json.dumps(holder).encode())
        file.flush()
        yield


def _is_held(path: Path) -> bool:
    try:
        file = path.open("rb")
    except (FileNotFoundError, NotADirectoryError):
        return False
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _said(path: Path) -> tuple[int, str, str]:
    """Process, host and time that the file of a lock names; raises ValueError where it cannot be read."""
    try:
        said = json.loads(path.read_text())
        return int(said["pid"]), str(said["host"]), str(said["since"])
    except (OSError, KeyError, TypeError) as error:
        raise ValueError from error


def _moment(since: str) -> datetime:
    """By the clock here; raises ValueError."""
    return datetime.fromisoformat(since).astimezone()


def _held(path: Path, study: str) -> BadInput:
    who = "another process"
    with suppress(ValueError):
        pid, host, since = _said(path)
        with suppress(ValueError):  # what cannot be read is shown as it stands there
            since = f"{_moment(since):%Y-%m-%d %H:%M:%S %z}"
        who = f"process {pid} on {host}, since {since}"
    problem = f"study {study!r} is being run by {who}; wait for it, or end it first"
    return BadInput(problem, source=path, code="conflict")


def refuse_double(study: Study, uri: str) -> None:
    """Raise :class:`BadInput` if the project that this one is a copy of still has the study, and both send it there:
    trials of one would pass for the other's.

    A store that lies in the project was copied with it. Writes nothing.

    Args:
        uri: MLflow's tracking URI.
    """
    runs, storage, store = study.project.runs, sqlite_path(study.storage), sqlite_path(uri)
    if storage is None or not same_folder(storage.parent, runs):
        return  # both work on the same trials
    if store is not None and same_folder(store.parent, runs):
        return
    former, mine = former_places(runs), _uid(storage, study.name)
    for folder in former.noted if former else ():
        if mine and _uid(folder / storage.name, study.name) == mine:
            problem = (
                f"this project is a copy of {folder.parent}, whose study {study.name!r} is kept in the same MLflow; "
                "give it another name here (--set study=NAME), or a tracking.uri of its own"
            )
            raise BadInput(problem, source=study.source, key="study", code="conflict")


def _uid(storage: Path, study: str) -> str:
    """What tells a study from others of its name; empty where there is none."""
    with suppress(sqlite3.Error), reading(storage) as connection:
        row = connection.execute(_UID, (study,)).fetchone()
        return str(row[0]) if row else ""
    return ""

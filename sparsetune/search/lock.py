"""One driver a study: a lock that the operating system frees when its holder dies, however it dies."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING

from sparsetune.base.errors import BadInput
from sparsetune.base.paths import made, slug
from sparsetune.base.stores.sqlite import sqlite_path

if TYPE_CHECKING:
    from sparsetune.config.study.study import Study


PAUSES = (0.0, 0.05, 0.1, 0.2)  # seconds: whoever only asks holds the lock for a moment


def place(study: Study) -> Path:
    """The lock file of a study: beside an SQLite database, so that two projects on one storage exclude each other;
    else in the project."""
    return place_in(sqlite_path(study.storage), study.project.runs, study.name)


def place_in(database: Path | None, runs: Path, study: str) -> Path:
    """The same of a study that is only known by name."""
    folder = runs if database is None else database.parent
    return folder / "locks" / f"{slug(study)}.lock"


def refuse_if_held(path: Path, study: str) -> None:
    """Raise :class:`BadInput` if a live driver holds the lock; writes nothing."""
    try:
        file = path.open("rb")
    except (FileNotFoundError, NotADirectoryError):
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BadInput(_held(path, study), source=path) from None


def others(folder: Path, own: Path | None = None) -> bool:
    """Whether a live driver holds one of a folder's locks, but for one's own; writes nothing."""
    for path in folder.glob("*.lock"):
        if path != own:
            try:
                refuse_if_held(path, path.stem)
            except BadInput:
                return True
    return False


@contextmanager
def hold(path: Path, study: str) -> Iterator[None]:
    """Hold the lock; raise :class:`BadInput` if another process does."""
    made(path.parent)
    with path.open("a+b") as file:
        if not any(_taken(file, pause) for pause in PAUSES):
            raise BadInput(_held(path, study), source=path)
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        holder = {"pid": os.getpid(), "host": platform.node(), "since": now}
        file.truncate(0)
        file.write(json.dumps(holder).encode())
        file.flush()
        yield


def _taken(file: IO[bytes], pause: float) -> bool:
    time.sleep(pause)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def since(written: str) -> datetime:
    """The moment that a lock file names, by the clock here; raises ValueError."""
    return datetime.fromisoformat(written).astimezone()


def _held(path: Path, study: str) -> str:
    try:
        holder = json.loads(path.read_text())
        moment = holder["since"]
        with contextlib.suppress(ValueError):
            moment = f"{since(moment):%Y-%m-%d %H:%M:%S %z}"
        who = f"process {holder['pid']} on {holder['host']}, since {moment}"
    except (OSError, ValueError, KeyError, TypeError):
        who = "another process"
    return f"study {study!r} is being run by {who}; wait for it, or end it first"

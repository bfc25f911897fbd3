"""The place behind a tracking URI: a local SQLite file is created whole and tried for a lock. Without MLflow."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, urlsplit

LOCK_SECONDS = 1.0


def database(uri: str) -> Path | None:
    """The file of a SQLite URI; None for a server."""
    if not uri.startswith("sqlite:///"):
        return None
    return Path(uri.removeprefix("sqlite:///").partition("?")[0])


def is_remote(uri: str) -> bool:
    """Whether a tracking server decides where artifacts go."""
    return uri.startswith(("http://", "https://", "databricks", "uc:"))


def shown(uri: str) -> str:
    """The URI for messages: without user, password and query."""
    parts = urlsplit(uri)
    return uri if not parts.netloc else f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def create_once(path: Path, create: Callable[[str], object]) -> None:
    """Let ``create`` make the database at another URI and move it in place, unless it is there.

    Neither a kill nor a second study that starts meanwhile finds half of its tables.
    """
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        if path.exists():
            return
        for left in path.parent.glob(f".{path.name}.*.part*"):
            left.unlink()
        part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
        create(f"sqlite:///{part}")
        part.rename(path)
    finally:
        os.close(folder)


def check_writable(path: Path) -> None:
    """Raise sqlite3.OperationalError if the database is missing, read-only or locked for LOCK_SECONDS.

    MLflow itself would wait 20 s for a lock, and minutes at opening.
    """
    uri = f"file:{quote(str(path.resolve()))}?mode=rw"
    with closing(sqlite3.connect(uri, uri=True, timeout=LOCK_SECONDS, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")

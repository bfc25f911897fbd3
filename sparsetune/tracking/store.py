"""The place behind a tracking URI: a local SQLite file is created whole and tried for a lock. Without MLflow."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import uuid
from collections.abc import Callable
from contextlib import closing
from glob import escape
from pathlib import Path
from urllib.parse import urlsplit

from sparsetune.config.sqlite import file_uri, sqlite_path, sqlite_url

LOCK_SECONDS = 1.0


database = sqlite_path  # of a tracking URI; None for a server


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
        for left in path.parent.glob(f".{escape(path.name)}.*.part*"):
            left.unlink()
        part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
        create(sqlite_url(part))
        part.rename(path)
    finally:
        os.close(folder)


def check_writable(path: Path) -> None:
    """Raise sqlite3.OperationalError if the database is missing, read-only or locked for LOCK_SECONDS.

    MLflow itself would wait 20 s for a lock, and minutes at opening.
    """
    with closing(
        sqlite3.connect(f"{file_uri(path)}?mode=rw", uri=True, timeout=LOCK_SECONDS, isolation_level=None)
    ) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")

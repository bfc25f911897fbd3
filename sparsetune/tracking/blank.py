"""MLflow's tables with nothing in them, made once on this machine: its migrations take seconds, a copy takes none."""

from __future__ import annotations

import os
import shutil
import sqlite3
import uuid
from collections.abc import Callable
from contextlib import closing, suppress
from importlib.metadata import version
from pathlib import Path

from sparsetune.base.errors import BadInput
from sparsetune.base.paths import cache_root
from sparsetune.base.stores.sqlite import sqlite_url
from sparsetune.base.stores.tables import MLFLOW, look


def write_tables(path: Path, create: Callable[[str], object]) -> None:
    """A new database with MLflow's tables: the copy in the cache, else what ``create`` makes of a URI."""
    kept = kept_tables()
    if kept is not None and is_blank(kept):
        shutil.copyfile(kept, path)
        with path.open("rb") as file:
            os.fsync(file.fileno())  # it will be moved in place, and must be whole there
        return
    create(sqlite_url(path))
    if kept is not None:
        with suppress(OSError, sqlite3.Error):  # a cache that takes nothing costs seconds, no results
            keep(path, kept)


def kept_tables() -> Path | None:
    """Where the tables of the installed MLflow are kept; None if there is no place for a cache."""
    try:
        return cache_root() / "mlflow" / f"{version('mlflow')}.db"
    except (BadInput, RuntimeError):  # the latter: ~ of nobody
        return None


def is_blank(path: Path) -> bool:
    """Whether the installed MLflow can begin with it."""
    with suppress(OSError):
        if path.is_file():
            found = look(path, MLFLOW)
            return bool(found.schema) and found.trouble is None and not any(found.rows.values())
    return False


def keep(path: Path, kept: Path) -> None:
    """Put a copy in the cache, without the experiment "Default": its files would go to this folder for ever."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    aside = kept.with_name(f".{uuid.uuid4().hex}.part")
    try:
        shutil.copyfile(path, aside)
        with closing(sqlite3.connect(aside)) as connection, connection:
            connection.execute("DELETE FROM experiments")
        aside.rename(kept)
    finally:
        aside.unlink(missing_ok=True)

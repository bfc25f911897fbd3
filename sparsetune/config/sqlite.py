"""Reading an SQLite file without leaving a trace."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

_WAL = b"\2"  # the byte 18 of a file whose writers use a write-ahead log


@contextmanager
def reading(path: Path, seconds: float = 1.0) -> Iterator[sqlite3.Connection]:
    """A connection that changes and creates nothing; it waits so long for a writer's lock.

    Raises:
        sqlite3.Error: no such file, no database, or locked for longer.
    """
    uri = f"file:{quote(str(path.resolve()))}?mode=ro"
    if _write_ahead(path) and not path.with_name(f"{path.name}-wal").exists():
        uri += "&immutable=1"  # nobody has it open, and SQLite would leave an empty log behind
    with closing(sqlite3.connect(uri, uri=True, timeout=seconds)) as connection:
        yield connection


def _write_ahead(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(19)[18:] == _WAL
    except OSError:
        return False  # SQLite has its own words for it

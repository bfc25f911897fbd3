"""SQLite files: their URL, and reading one without leaving a trace."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote, unquote

_URL = re.compile(r"sqlite(\+pysqlite)?:///")
_SPECIAL = re.compile(r"[%?#{}\x00-\x1f\x7f]")  # to SQLAlchemy, to Optuna's templates, to parsers of URLs
_WAL = b"\2"  # the byte 18 of a file whose writers use a write-ahead log


def sqlite_url(path: Path) -> str:
    """The URL of a file, whatever its name."""
    return for_mlflow(f"sqlite:///{_SPECIAL.sub(lambda special: quote(special[0]), str(path))}")


def for_mlflow(url: str) -> str:
    """The same database for MLflow, which else takes an encoded path as it is written, and makes its folders."""
    return url.replace("sqlite:", "sqlite+pysqlite:", 1) if "%" in url and url.startswith("sqlite:") else url


def sqlite_path(url: str) -> Path | None:
    """The file that SQLAlchemy opens for an SQLite URL; None for another database."""
    scheme = _URL.match(url)
    return Path(unquote(url[scheme.end() :].partition("?")[0])) if scheme else None


def instead(url: str, example: str = "studies.db") -> str:
    """What is allowed where an SQLite URL names no file that lasts; empty if it does, or is that of a server."""
    if not url.startswith("sqlite"):
        return ""
    path, query = sqlite_path(url), url.partition("?")[2]
    if path is None or path.name in ("", ":memory:"):
        return f"a file that lasts, such as sqlite:///{example}"
    if query and not all(each.partition("=")[1] for each in query.split("&")):
        return f"{url.partition('?')[0]}%3F{query}: a question mark in a file's name is written %3F"
    if "uri=" in query or path.name.startswith("file:"):
        return f"the file's path, such as sqlite:///{example}"
    return ""


@contextmanager
def reading(path: Path, seconds: float = 1.0) -> Iterator[sqlite3.Connection]:
    """A connection that changes and creates nothing; it waits so long for a writer's lock.

    Raises:
        sqlite3.Error: no such file, no database, or locked for longer.
    """
    uri = f"{file_uri(path)}?mode=ro"
    if _write_ahead(path) and not path.with_name(f"{path.name}-wal").exists():
        uri += "&immutable=1"  # nobody has it open, and SQLite would leave an empty log behind
    with closing(sqlite3.connect(uri, uri=True, timeout=seconds)) as connection:
        yield connection


def file_uri(path: Path) -> str:
    """A file for SQLite itself, to which a mode can be added: ``file:/a/b.db``."""
    return f"file:{quote(os.fsencode(path.resolve()))}"


def _write_ahead(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(19)[18:] == _WAL
    except OSError:
        return False  # SQLite has its own words for it

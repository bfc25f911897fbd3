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

from sparsetune.base.errors import BadInput
from sparsetune.base.paths import why_no_files, why_unwritable
from sparsetune.base.secrets import hidden
from sparsetune.base.stores.proxies import through_proxy
from sparsetune.base.stores.sqlite import file_uri, sqlite_path
from sparsetune.base.stores.tables import MLFLOW, look
from sparsetune.base.stores.tracking_uri import is_database
from sparsetune.tracking.blank import write_tables
from sparsetune.tracking.trouble import server_fault

LOCK_SECONDS = 1.0


database = sqlite_path  # of a tracking URI; None for a server


def is_remote(uri: str) -> bool:
    """Whether a tracking server decides where artifacts go."""
    return not is_database(uri)


def shown(uri: str) -> str:
    """The URI for messages: without user, password and query."""
    parts = urlsplit(uri)
    return uri if not parts.netloc else f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def reason_of(error: BaseException, uri: str) -> str:
    """Why a store did not serve, on one short line without passwords, with the proxy in between."""
    cause: BaseException = error
    while is_remote(uri) and (cause.__cause__ or cause.__context__):  # clients wrap it in long words of their own
        cause = cause.__cause__ or cause.__context__ or cause
    said = server_fault(error)
    if not said and isinstance(cause, OSError):
        said = f"no answer ({cause.strerror or cause or type(cause).__name__})"
    said = said or str(error).replace(uri, shown(uri)) or type(error).__name__
    return f"{hidden(' '.join(said.split()), uri)[:300]}{through_proxy(uri) if is_remote(uri) else ''}"


def create_once(path: Path, create: Callable[[str], object]) -> None:
    """Let ``create`` make MLflow's database at another URI and move it in place, unless it is there.

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
        write_tables(part, create)
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


def refuse_unwritable(path: Path) -> None:
    """Raise :class:`BadInput` for a database that takes no results as it is: not MLflow's, of another version, no file
    or folder that may be written to; writes nothing."""
    if not is_there(path):
        there = next(folder for folder in path.absolute().parents if is_there(folder))
        if reason := why_no_files(there):
            raise BadInput(f"cannot be made: nothing can be written in {there}: {reason}", source=path)
        return
    trouble = look(path, MLFLOW).trouble
    if trouble is not None and not trouble.passing:
        raise trouble.refusal(path)
    if reason := why_unwritable(path):
        raise BadInput(f"cannot be written to: {reason}", source=path)


def is_there(path: Path) -> bool:
    """Whether a file or folder is there and this user may know of it."""
    try:
        return path.exists()
    except PermissionError:
        return False

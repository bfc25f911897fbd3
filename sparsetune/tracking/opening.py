"""Reading a tracking store for a command: whatever it has against that is one line."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sparsetune.base.errors import BadInput
from sparsetune.base.stores.drivers import words_of
from sparsetune.base.stores.tables import KILLED, MLFLOW, look
from sparsetune.tracking.store import check_writable, database, is_remote, is_there, reason_of, shown


@contextmanager
def store_to_read(uri: str, empty: str = "nothing is recorded there") -> Iterator[None]:
    """The store can be opened when the context begins; whatever is raised inside, it is :class:`BadInput`.

    Args:
        empty: what to say of a file that is not there or holds nothing.
    """
    path = database(uri)
    if path is not None:
        _refuse_unreadable(path, empty)
    elif not is_remote(uri):
        _connect_once(uri)
    try:
        yield
    except BadInput:
        raise
    except Exception as error:  # MLflow's own, its database's, its server's client's: all mean the same here
        raise BadInput(f"cannot be read: {reason_of(error, uri)}", source=f"MLflow at {shown(uri)}") from None


def _refuse_unreadable(path: Path, empty: str) -> None:
    if not is_there(path):
        raise BadInput(empty, source=path)
    content = look(path, MLFLOW)
    if content.trouble is KILLED:
        with contextlib.suppress(sqlite3.Error):
            check_writable(path)  # undoes what the writer has left
        content = look(path, MLFLOW)
    if content.trouble is not None:
        raise content.trouble.refusal(path)
    if not content.schema:
        raise BadInput(empty, source=path)


def _connect_once(uri: str) -> None:
    """MLflow would try a database that is away for minutes."""
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    try:
        create_engine(uri, poolclass=NullPool).connect().close()
    except Exception as error:  # SQLAlchemy's and a driver's own errors
        raise BadInput(f"cannot be opened: {words_of(error, uri)}", source=f"MLflow at {shown(uri)}") from None

"""The store behind a tracking URI: is it there, may it be read, may it be written to? A local SQLite file is created
whole and tried for a lock. MLflow is asked where nothing else knows, for its import is slow."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from glob import escape
from pathlib import Path

from sparsetune.base.errors import BadInput
from sparsetune.base.paths import why_no_files, why_unwritable
from sparsetune.base.stores.drivers import words_of
from sparsetune.base.stores.sqlite import file_uri, sqlite_path
from sparsetune.base.stores.tables import KILLED, MLFLOW, look
from sparsetune.base.stores.tracking_uri import is_database
from sparsetune.tracking.tables import Stage, stage_of, write_tables
from sparsetune.tracking.trouble import reason_of, shown

LOCK_SECONDS = 1.0


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
            problem = f"cannot be made: nothing can be written in {there}: {reason}"
            raise BadInput(problem, source=path, code="unavailable")
        return
    trouble = look(path, MLFLOW).trouble
    if trouble is not None and not trouble.passing:
        raise trouble.refusal(path)
    if reason := why_unwritable(path):
        raise BadInput(f"cannot be written to: {reason}", source=path, code="unavailable")


def is_there(path: Path) -> bool:
    """Whether a file or folder is there and this user may know of it."""
    try:
        return path.exists()
    except PermissionError:
        return False


@contextmanager
def store_to_read(uri: str, empty: str = "nothing is recorded there") -> Iterator[None]:
    """The store can be opened when the context begins; whatever is raised inside, it is :class:`BadInput`.

    Args:
        empty: what to say of a file that is not there or holds nothing.
    """
    path = sqlite_path(uri)
    if path is not None:
        _refuse_unreadable(path, empty)
    elif is_database(uri):
        _connect_once(uri)
    try:
        yield
    except BadInput:
        raise
    except Exception as error:  # MLflow's own, its database's, its server's client's: all mean the same here
        problem = f"cannot be read: {reason_of(error, uri)}"
        raise BadInput(problem, source=f"MLflow at {shown(uri)}", code="unavailable") from None


def _refuse_unreadable(path: Path, empty: str) -> None:
    if not is_there(path):
        raise BadInput(empty, source=path, code="missing")
    content = look(path, MLFLOW)
    if content.trouble is KILLED:
        with suppress(sqlite3.Error):
            check_writable(path)  # undoes what the writer has left
        content = look(path, MLFLOW)
    if content.trouble is not None:
        raise content.trouble.refusal(path)
    if not content.schema:
        raise BadInput(empty, source=path, code="missing")


def _connect_once(uri: str) -> None:
    """MLflow would try a database that is away for minutes."""
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    try:
        create_engine(uri, poolclass=NullPool).connect().close()
    except Exception as error:  # SQLAlchemy's and a driver's own errors
        problem = f"cannot be opened: {words_of(error, uri)}"
        raise BadInput(problem, source=f"MLflow at {shown(uri)}", code="unavailable") from None


def check_experiment(uri: str, name: str, uid: str | None = None) -> None:
    """Raise :class:`BadInput` if the experiment was deleted, or its file can never be written to.

    It writes nothing, and is silent about a server that is away and a file that is locked.

    Args:
        name: of the study, and of its experiment unless that was renamed.
        uid: what tells the study from others of its name; None for one that has not begun.
    """
    path, stage = sqlite_path(uri), None
    if path is not None:
        refuse_unwritable(path)
        stage = stage_of(path, name, uid)
    else:
        from sparsetune.tracking.client import find_experiment

        with suppress(Exception):  # whatever a server's client raises: the tracker will warn
            experiment = find_experiment(uri, name, uid)
            if experiment is not None:
                stage = Stage(experiment.experiment_id, experiment.name, experiment.lifecycle_stage)
    if stage is not None:
        refuse_deleted(uri, stage)


def refuse_deleted(uri: str, experiment: Stage) -> None:
    """Raise :class:`BadInput` for the stage "deleted"."""
    if experiment.stage == "deleted":
        raise BadInput(
            f"the MLflow experiment {experiment.name!r} was deleted: bring it back with `MLFLOW_TRACKING_URI="
            f"{shown(uri)} mlflow experiments restore --experiment-id {experiment.number}`, or give the study another "
            "name (--set study=NAME)",
            code="unavailable",
        )

"""Is a study's experiment in MLflow fit to be written to? A local file is asked without MLflow: its import is slow."""

from __future__ import annotations

import contextlib
import sqlite3

from sparsetune.config.errors import BadInput
from sparsetune.config.sqlite import reading
from sparsetune.tracking.store import database, refuse_unwritable, shown


def check_experiment(uri: str, name: str) -> None:
    """Raise :class:`BadInput` if the experiment was deleted, or its file can never be written to.

    It writes nothing, and is silent about a server that is away and a file that is locked.
    """
    path = database(uri)
    if path is None:
        from sparsetune.tracking.client import find_experiment

        found = None
        with contextlib.suppress(Exception):  # whatever a server's client raises: the tracker will warn
            found = find_experiment(uri, name)
        if found is not None:
            refuse_deleted(uri, name, found.experiment_id, found.lifecycle_stage)
        return
    refuse_unwritable(path)
    with contextlib.suppress(sqlite3.Error), reading(path, seconds=0) as connection:
        query = "SELECT experiment_id, lifecycle_stage FROM experiments WHERE name = ?"
        for number, stage in connection.execute(query, (name,)):
            refuse_deleted(uri, name, str(number), stage)


def refuse_deleted(uri: str, name: str, number: str, stage: str) -> None:
    """Raise :class:`BadInput` for the stage "deleted"."""
    if stage == "deleted":
        raise BadInput(
            f"the MLflow experiment {name!r} was deleted: bring it back with `MLFLOW_TRACKING_URI={shown(uri)} mlflow "
            f"experiments restore --experiment-id {number}`, or give the study another name (--set study=NAME)"
        )

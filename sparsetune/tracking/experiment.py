"""Is a study's experiment in MLflow fit to be written to? A local file is asked without MLflow: its import is slow."""

from __future__ import annotations

import contextlib
import sqlite3

from sparsetune.base.errors import BadInput
from sparsetune.base.stores.sqlite import reading
from sparsetune.tracking.places import STUDY_ID
from sparsetune.tracking.store import database, refuse_unwritable, shown

_STAGES = "SELECT experiment_id, name, lifecycle_stage FROM experiments"
_OF_STUDY = f"""{_STAGES} WHERE experiment_id IN
    (SELECT experiment_id FROM runs WHERE run_uuid IN (SELECT run_uuid FROM tags WHERE key = ? AND value = ?))"""


def check_experiment(uri: str, name: str, uid: str | None = None) -> None:
    """Raise :class:`BadInput` if the experiment was deleted, or its file can never be written to.

    It writes nothing, and is silent about a server that is away and a file that is locked.

    Args:
        name: of the study, and of its experiment unless that was renamed.
        uid: what tells the study from others of its name; None for one that has not begun.
    """
    path = database(uri)
    if path is None:
        from sparsetune.tracking.find import find_experiment

        found = None
        with contextlib.suppress(Exception):  # whatever a server's client raises: the tracker will warn
            found = find_experiment(uri, name, uid)
        if found is not None:
            refuse_deleted(uri, found.name, found.experiment_id, found.lifecycle_stage)
        return
    refuse_unwritable(path)
    with contextlib.suppress(sqlite3.Error), reading(path, seconds=0) as connection:
        mine = connection.execute(_OF_STUDY, (STUDY_ID, uid)).fetchall()
        rows = mine or connection.execute(f"{_STAGES} WHERE name = ?", (name,)).fetchall()
        rows.sort(key=lambda row: (row[1] != name, row[2] == "deleted", row[0]))  # as the tracker looks for it
        for number, title, stage in rows[:1]:
            refuse_deleted(uri, title, str(number), stage)


def refuse_deleted(uri: str, name: str, number: str, stage: str) -> None:
    """Raise :class:`BadInput` for the stage "deleted"."""
    if stage == "deleted":
        raise BadInput(
            f"the MLflow experiment {name!r} was deleted: bring it back with `MLFLOW_TRACKING_URI={shown(uri)} mlflow "
            f"experiments restore --experiment-id {number}`, or give the study another name (--set study=NAME)"
        )

"""A trial is written in two transactions of few statements: as it was drawn, and as it ended.

Optuna's own calls ask for the trial again before each attribute and commit once for each, and a commit waits for the
disk: storing a small trial took a fifth of its training. A storage that is locked or away for a while costs time, not
the study.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from optuna.distributions import distribution_to_json
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial
from sqlalchemy import BindParameter, Connection, Table, bindparam, delete, func, insert, select, update

from sparsetune.base.disk import CannotWrite, disk_trouble
from sparsetune.search.optuna_tables import (
    NOT_FOUND,
    PARAMS,
    STEPS,
    STUDIES,
    SYSTEM_ATTRIBUTES,
    TRIALS,
    USER_ATTRIBUTES,
    VALUES,
    step_row,
    transaction,
    value_row,
)

T = TypeVar("T")
Rows = Sequence[tuple[Any, ...]]

_ATTEMPTS = 20  # about eight minutes for a server that refuses at once
_LONGEST = 30.0  # seconds between two attempts

# Made once: SQLAlchemy takes longer to put a statement together than SQLite to carry it out.
_STUDY: BindParameter[int] = bindparam("the_study")
_TRIAL: BindParameter[int] = bindparam("the_trial")
_HOLD_STUDY = select(STUDIES.c.study_id).where(STUDIES.c.study_id == _STUDY).with_for_update()
_HOLD_TRIAL = select(TRIALS.c.state).where(TRIALS.c.trial_id == _TRIAL).with_for_update()
_EARLIER = select(func.count()).where(TRIALS.c.study_id == _STUDY, TRIALS.c.trial_id < _TRIAL)
_END = update(TRIALS).where(TRIALS.c.trial_id == _TRIAL)
_COLUMNS = {  # of rows that belong to a trial; within it the first tells them apart
    PARAMS: ("param_name", "param_value", "distribution_json"),
    USER_ATTRIBUTES: ("key", "value_json"),
    SYSTEM_ATTRIBUTES: ("key", "value_json"),
    STEPS: ("step", "intermediate_value", "intermediate_value_type"),
    VALUES: ("objective", "value", "value_type"),
}
_INSERT = {table: insert(table) for table in (TRIALS, *_COLUMNS)}
_DELETE = {
    table: delete(table).where(table.c.trial_id == _TRIAL, table.c[columns[0]] == bindparam("the_key"))
    for table, columns in _COLUMNS.items()
}


def store_new(storage: RDBStorage, study_id: int, drawn: FrozenTrial) -> int | None:
    """Add a RUNNING trial with its parameters and attributes.

    Returns:
        Its id in the storage; None, and nothing is stored, if the study has another count of trials than its number.

    Raises:
        KeyError: there is no such study.
    """
    with transaction(storage.scoped_session) as session:
        database = session.connection()
        if database.execute(_HOLD_STUDY, {"the_study": study_id}).scalar() is None:  # while numbers are counted
            raise KeyError(NOT_FOUND)
        row = {
            "study_id": study_id,
            "number": drawn.number,
            "state": drawn.state,
            "datetime_start": _utc(drawn.datetime_start),
        }
        added = database.execute(_INSERT[TRIALS], row).inserted_primary_key
        assert added is not None
        trial_id = int(added[0])
        if database.execute(_EARLIER, {"the_study": study_id, "the_trial": trial_id}).scalar_one() != drawn.number:
            session.rollback()
            return None
        kinds = drawn.distributions
        params = [
            (name, kinds[name].to_internal_repr(value), distribution_to_json(kinds[name]))
            for name, value in drawn.params.items()
        ]
        _add(database, PARAMS, trial_id, params)
        _add(database, USER_ATTRIBUTES, trial_id, _as_json(drawn.user_attrs))
        _add(database, SYSTEM_ATTRIBUTES, trial_id, _as_json(drawn.system_attrs))
        return trial_id


def store_end(
    storage: RDBStorage, trial_id: int, ended: FrozenTrial, attributes: Mapping[str, Any], notes: Mapping[str, Any]
) -> None:
    """Make a RUNNING trial of the storage what ``ended`` is, with these user attributes and Optuna's own notes.

    A trial that has ended stays as it is: the transaction before went through, and only its answer was lost.

    Raises:
        KeyError: there is no such trial.
    """
    with transaction(storage.scoped_session) as session:
        database = session.connection()
        state = database.execute(_HOLD_TRIAL, {"the_trial": trial_id}).scalar()
        if state is None:
            raise KeyError(NOT_FOUND)
        if state.is_finished():
            return
        steps = [(step, *step_row(value)) for step, value in ended.intermediate_values.items()]
        values = [(index, *value_row(value)) for index, value in enumerate(ended.values or ())]
        _replace(database, USER_ATTRIBUTES, trial_id, _as_json(attributes))
        _replace(database, SYSTEM_ATTRIBUTES, trial_id, _as_json(notes))
        _replace(database, STEPS, trial_id, steps)
        _replace(database, VALUES, trial_id, values)
        end = {"state": ended.state, "datetime_complete": _utc(ended.datetime_complete)}
        database.execute(_END, {"the_trial": trial_id, **end})


def _replace(database: Connection, table: Table, trial_id: int, rows: Rows) -> None:
    """Add rows to a trial in place of those with the same first column."""
    if rows:
        database.execute(_DELETE[table], [{"the_trial": trial_id, "the_key": row[0]} for row in rows])
    _add(database, table, trial_id, rows)


def _add(database: Connection, table: Table, trial_id: int, rows: Rows) -> None:
    if rows:
        columns = ("trial_id", *_COLUMNS[table])
        database.execute(_INSERT[table], [dict(zip(columns, (trial_id, *row), strict=True)) for row in rows])


def _as_json(said: Mapping[str, Any]) -> Rows:
    return [(key, json.dumps(value)) for key, value in said.items()]


def _utc(moment: datetime | None) -> datetime | None:
    """A record's time as databases hold it."""
    return moment and moment.astimezone(UTC).replace(tzinfo=None)


@dataclass(frozen=True)
class Patient:
    """Calls the storage again, with growing pauses, while it fails. One warning for each time that it is away."""

    warn: Callable[[str], None]
    wait: Callable[[float], None] = time.sleep

    def __call__(self, call: Callable[..., T], *arguments: Any) -> T:
        """The result of the call; raises what the last attempt raised, and CannotWrite at once for a full disk."""
        for attempt in range(_ATTEMPTS - 1):
            try:
                return call(*arguments)
            except StorageInternalError as error:
                trouble = disk_trouble(error)
                if trouble is not None:  # waiting makes no room, and the trials that run have their checkpoints
                    raise CannotWrite(trouble) from error
                if attempt == 0:
                    reason = " ".join(str(error.__cause__ or error).split())[:200]
                    self.warn(f"the storage does not answer, trying again: {reason}")
                self.wait(min(2.0**attempt, _LONGEST))
        return call(*arguments)

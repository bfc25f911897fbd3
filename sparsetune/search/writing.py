"""A trial is written in two transactions of few statements: as it was drawn, and as it ended.

Optuna's own calls ask for the trial again before each attribute and commit once for each, and a commit waits for the
disk: storing a small trial took a fifth of its training.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from optuna.distributions import distribution_to_json
from optuna.storages import RDBStorage
from optuna.storages._rdb import models
from optuna.storages._rdb.storage import _create_scoped_session
from optuna.trial import FrozenTrial
from sqlalchemy import BindParameter, Connection, Table, bindparam, delete, func, insert, select, update

_STUDIES, _TRIALS = models.StudyModel.__table__, models.TrialModel.__table__
_PARAMS, _VALUES = models.TrialParamModel.__table__, models.TrialValueModel.__table__
_USER, _SYSTEM = models.TrialUserAttributeModel.__table__, models.TrialSystemAttributeModel.__table__
_STEPS = models.TrialIntermediateValueModel.__table__

# Made once: SQLAlchemy takes longer to put a statement together than SQLite to carry it out.
_STUDY: BindParameter[int] = bindparam("the_study")
_TRIAL: BindParameter[int] = bindparam("the_trial")
_HOLD_STUDY = select(_STUDIES.c.study_id).where(_STUDIES.c.study_id == _STUDY).with_for_update()
_HOLD_TRIAL = select(_TRIALS.c.state).where(_TRIALS.c.trial_id == _TRIAL).with_for_update()
_EARLIER = select(func.count()).where(_TRIALS.c.study_id == _STUDY, _TRIALS.c.trial_id < _TRIAL)
_END = update(_TRIALS).where(_TRIALS.c.trial_id == _TRIAL)
_INSERT = {table: insert(table) for table in (_TRIALS, _PARAMS, _USER, _SYSTEM, _STEPS, _VALUES)}
_KEYS = {_USER: "key", _SYSTEM: "key", _STEPS: "step", _VALUES: "objective"}
_DELETE = {
    table: delete(table).where(table.c.trial_id == _TRIAL, table.c[key] == bindparam("the_key"))
    for table, key in _KEYS.items()
}


def store_new(storage: RDBStorage, study_id: int, drawn: FrozenTrial) -> int | None:
    """Add a RUNNING trial with its parameters and attributes.

    Returns:
        Its id in the storage; None, and nothing is stored, if the study has another count of trials than its number.

    Raises:
        KeyError: there is no such study.
    """
    with _create_scoped_session(storage.scoped_session) as session:
        database = session.connection()
        if database.execute(_HOLD_STUDY, {"the_study": study_id}).scalar() is None:  # while numbers are counted
            raise KeyError(models.NOT_FOUND_MSG)
        row = {
            "study_id": study_id,
            "number": drawn.number,
            "state": drawn.state,
            "datetime_start": _utc(drawn.datetime_start),
        }
        added = database.execute(_INSERT[_TRIALS], row).inserted_primary_key
        assert added is not None
        trial_id = int(added[0])
        if database.execute(_EARLIER, {"the_study": study_id, "the_trial": trial_id}).scalar_one() != drawn.number:
            session.rollback()
            return None
        params = [
            {
                "param_name": name,
                "param_value": drawn.distributions[name].to_internal_repr(value),
                "distribution_json": distribution_to_json(drawn.distributions[name]),
            }
            for name, value in drawn.params.items()
        ]
        _add(database, _PARAMS, trial_id, params)
        _add(database, _USER, trial_id, _attributes(drawn.user_attrs))
        _add(database, _SYSTEM, trial_id, _attributes(drawn.system_attrs))
        return trial_id


def store_end(
    storage: RDBStorage, trial_id: int, ended: FrozenTrial, attributes: Mapping[str, Any], notes: Mapping[str, Any]
) -> None:
    """Make a RUNNING trial of the storage what ``ended`` is, with these user attributes and Optuna's own notes.

    A trial that has ended stays as it is: the transaction before went through, and only its answer was lost.

    Raises:
        KeyError: there is no such trial.
    """
    with _create_scoped_session(storage.scoped_session) as session:
        database = session.connection()
        state = database.execute(_HOLD_TRIAL, {"the_trial": trial_id}).scalar()
        if state is None:
            raise KeyError(models.NOT_FOUND_MSG)
        if state.is_finished():
            return
        _replace(database, _USER, trial_id, _attributes(attributes))
        _replace(database, _SYSTEM, trial_id, _attributes(notes))
        _replace(database, _STEPS, trial_id, _steps(ended.intermediate_values))
        _replace(database, _VALUES, trial_id, _values(ended.values or ()))
        end = {"state": ended.state, "datetime_complete": _utc(ended.datetime_complete)}
        database.execute(_END, {"the_trial": trial_id, **end})


def _replace(database: Connection, table: Table, trial_id: int, rows: list[dict[str, Any]]) -> None:
    """Add rows to a trial in place of those with the same key."""
    if rows:
        key = _KEYS[table]
        database.execute(_DELETE[table], [{"the_trial": trial_id, "the_key": row[key]} for row in rows])
        _add(database, table, trial_id, rows)


def _add(database: Connection, table: Table, trial_id: int, rows: list[dict[str, Any]]) -> None:
    if rows:
        database.execute(_INSERT[table], [{"trial_id": trial_id, **row} for row in rows])


def _attributes(said: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value_json": json.dumps(value)} for key, value in said.items()]


def _steps(values: Mapping[int, float]) -> list[dict[str, Any]]:
    stored = {
        step: models.TrialIntermediateValueModel.intermediate_value_to_stored_repr(values[step]) for step in values
    }
    return [
        {"step": step, "intermediate_value": value, "intermediate_value_type": kind}
        for step, (value, kind) in stored.items()
    ]


def _values(values: Iterable[float]) -> list[dict[str, Any]]:
    stored = map(models.TrialValueModel.value_to_stored_repr, values)
    return [{"objective": index, "value": value, "value_type": kind} for index, (value, kind) in enumerate(stored)]


def _utc(moment: datetime | None) -> datetime | None:
    """A record's time as databases hold it."""
    return moment and moment.astimezone(UTC).replace(tzinfo=None)

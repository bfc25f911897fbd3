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
from sqlalchemy import Table, delete, func, insert, select, update
from sqlalchemy.orm import Session

_TRIALS, _PARAMS = models.TrialModel.__table__, models.TrialParamModel.__table__
_USER, _SYSTEM = models.TrialUserAttributeModel.__table__, models.TrialSystemAttributeModel.__table__
_VALUES, _STEPS = models.TrialValueModel.__table__, models.TrialIntermediateValueModel.__table__


def store_new(storage: RDBStorage, study_id: int, drawn: FrozenTrial) -> int | None:
    """Add a RUNNING trial with its parameters and attributes.

    Returns:
        Its id in the storage; None, and nothing is stored, if the study has another count of trials than its number.
    """
    with _create_scoped_session(storage.scoped_session) as session:
        models.StudyModel.find_or_raise_by_id(study_id, session, for_update=True)  # while numbers are counted
        row = {
            "study_id": study_id,
            "number": drawn.number,
            "state": drawn.state,
            "datetime_start": _utc(drawn.datetime_start),
        }
        (trial_id,) = session.execute(insert(_TRIALS).values(row)).inserted_primary_key  # type: ignore[attr-defined]
        others = select(func.count()).where(_TRIALS.c.study_id == study_id, _TRIALS.c.trial_id < trial_id)
        if session.execute(others).scalar_one() != drawn.number:
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
        _add(session, _PARAMS, trial_id, params)
        _add(session, _USER, trial_id, _attributes(drawn.user_attrs))
        _add(session, _SYSTEM, trial_id, _attributes(drawn.system_attrs))
        return int(trial_id)


def store_end(
    storage: RDBStorage, trial_id: int, ended: FrozenTrial, attributes: Mapping[str, Any], notes: Mapping[str, Any]
) -> None:
    """Make a RUNNING trial of the storage what ``ended`` is, with these user attributes and Optuna's own notes.

    A trial that has ended stays as it is: the transaction before went through, and only its answer was lost.
    """
    with _create_scoped_session(storage.scoped_session) as session:
        if models.TrialModel.find_or_raise_by_id(trial_id, session, for_update=True).state.is_finished():
            return
        _replace(session, _USER, trial_id, "key", _attributes(attributes))
        _replace(session, _SYSTEM, trial_id, "key", _attributes(notes))
        _replace(session, _STEPS, trial_id, "step", _steps(ended.intermediate_values))
        _replace(session, _VALUES, trial_id, "objective", _values(ended.values or ()))
        end = {"state": ended.state, "datetime_complete": _utc(ended.datetime_complete)}
        session.execute(update(_TRIALS).where(_TRIALS.c.trial_id == trial_id).values(end))


def _replace(session: Session, table: Table, trial_id: int, key: str, rows: list[dict[str, Any]]) -> None:
    """Add rows to a trial in place of those with the same key."""
    if rows:
        taken = table.c[key].in_([row[key] for row in rows])
        session.execute(delete(table).where(table.c.trial_id == trial_id, taken))
        _add(session, table, trial_id, rows)


def _add(session: Session, table: Table, trial_id: int, rows: list[dict[str, Any]]) -> None:
    if rows:
        session.execute(insert(table), [{"trial_id": trial_id, **row} for row in rows])


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

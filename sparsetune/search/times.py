"""When trials started and ended. Optuna's databases keep UTC without saying so; its records tell the time of the clock
on the wall, which an hour of autumn has twice."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optuna.storages import RDBStorage
    from optuna.trial import FrozenTrial


def stored_ms(moment: datetime | str | None) -> int:
    """A database's time, as text where SQLite keeps it, in Unix milliseconds; 0 for none."""
    return int(_seconds(moment) * 1000) if moment else 0


def told_ms(moment: datetime | None) -> int:
    """The time of a trial's record in Unix milliseconds; 0 for none."""
    return int(moment.timestamp() * 1000) if moment else 0


def trials_with_times(storage: RDBStorage, study_id: int) -> list[FrozenTrial]:
    """The records of all trials, by number; their times say which of an autumn's two hours is meant."""
    from optuna.storages._rdb.models import TrialModel
    from optuna.storages._rdb.storage import _create_scoped_session

    trials = TrialModel.__table__.c
    columns = (trials.trial_id, trials.datetime_start, trials.datetime_complete)
    found = storage.get_all_trials(study_id)
    with _create_scoped_session(storage.scoped_session) as session:
        rows = session.query(*columns).filter(trials.study_id == study_id)
        times = {trial_id: (start, end) for trial_id, start, end in rows}
    for frozen in found:
        start, end = times[frozen._trial_id]
        frozen.datetime_start = frozen.datetime_start and _on_the_wall(start)
        frozen.datetime_complete = frozen.datetime_complete and _on_the_wall(end)
    return found


def _on_the_wall(moment: datetime) -> datetime:
    return datetime.fromtimestamp(_seconds(moment))  # with its fold


def _seconds(moment: datetime | str) -> float:
    read = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return read.replace(tzinfo=UTC).timestamp()

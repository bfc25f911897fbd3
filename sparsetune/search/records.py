"""Optuna's records of trials in the words of every listing, and what they say of the parameters.

Its databases keep times in UTC without saying so; its records tell the time of the clock on the wall, which an hour of
autumn has twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sparsetune.base.messages import Branch, Key, Result, Run, State, Trial
from sparsetune.config.metrics import Goal
from sparsetune.search.space import quiet

if TYPE_CHECKING:
    from optuna.storages import RDBStorage
    from optuna.trial import FrozenTrial

FEWEST = 10  # complete trials: a tenth of them is what the others are compared with


def as_trial(frozen: FrozenTrial) -> Trial:
    """Optuna's record of a trial in the words of every listing."""
    said = frozen.user_attrs
    config = said.get("config", {})
    state: State = frozen.state.name  # type: ignore[assignment]  # or WAITING: enqueued by hand, and only listed
    branches = tuple(Branch(**each) for each in said.get("branches", ())) or (Branch(),)
    trial = Trial(
        number=frozen.number,
        state=state,
        params=dict(frozen.params),
        config=config,
        metrics=said.get("metrics", {}),
        values=tuple(frozen.values or ()),
        reason=said.get("reason", ""),
        notes=said.get("notes", {}),
        started_ms=told_ms(frozen.datetime_start),
        ended_ms=told_ms(frozen.datetime_complete),
        errors=said.get("errors", {}),
        branches=branches,
        feasible=all(value <= 0 for value in frozen.constraints.values()),
    )
    if "runs" in said:
        return replace(trial, runs=tuple(_run(frozen.number, **each) for each in said["runs"]))
    seeds = said.get("seeds", [config.get("seed", 0)])
    keys = [Key(frozen.number, seed, branch.name) for seed in seeds for branch in branches]
    if len(keys) > 1:
        return replace(trial, runs=tuple(Run(key) for key in keys))
    return replace(trial, runs=(Run(keys[0], state, trial.metrics, trial.reason, trial.notes),))


def _run(number: int, seed: int, branch: str, results: Sequence[Mapping[str, Any]] = (), **said: Any) -> Run:
    return Run(Key(number, seed, branch), **said, results=tuple(Result(**each) for each in results))


def stored_ms(moment: datetime | str | None) -> int:
    """A database's time, as text where SQLite keeps it, in Unix milliseconds; 0 for none."""
    return int(_seconds(moment) * 1000) if moment else 0


def told_ms(moment: datetime | None) -> int:
    """The time of a trial's record in Unix milliseconds; 0 for none."""
    return int(moment.timestamp() * 1000) if moment else 0


def trials_with_times(storage: RDBStorage, study_id: int) -> dict[int, FrozenTrial]:
    """The records of all trials by their ids, in the order of numbers; their times say which of an autumn's two hours
    is meant."""
    from sparsetune.search.optuna_tables import TRIALS, transaction

    columns = (TRIALS.c.trial_id, TRIALS.c.number, TRIALS.c.datetime_start, TRIALS.c.datetime_complete)
    records = storage.get_all_trials(study_id)
    with transaction(storage.scoped_session) as session:
        rows = {row.number: row for row in session.query(*columns).filter(TRIALS.c.study_id == study_id)}
    by_id = {}
    for frozen in records:
        row = rows[frozen.number]
        frozen.datetime_start = frozen.datetime_start and _on_the_wall(row.datetime_start)
        frozen.datetime_complete = frozen.datetime_complete and _on_the_wall(row.datetime_complete)
        by_id[row.trial_id] = frozen
    return by_id


def _on_the_wall(moment: datetime) -> datetime:
    return datetime.fromtimestamp(_seconds(moment))  # with its fold


def _seconds(moment: datetime | str) -> float:
    read = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return read.replace(tzinfo=UTC).timestamp()


def by_importance(trials: Iterable[FrozenTrial], goal: Goal) -> tuple[str, ...]:
    """Names of parameters, the one that matters most for the first objective first, by Optuna's importance (PED-ANOVA,
    Watanabe et al. 2023); none where too few trials are complete.

    Args:
        goal: of the first objective.
    """
    import optuna

    complete = [each for each in trials if each.state.name == "COMPLETE" and each.values]
    if len(complete) < FEWEST:
        return ()
    study = optuna.create_study(direction=goal)
    study.add_trials(
        optuna.trial.create_trial(params=each.params, distributions=each.distributions, value=each.values[0])
        for each in complete
    )
    with quiet():  # of a parameter that never varied
        return tuple(optuna.importance.get_param_importances(study))

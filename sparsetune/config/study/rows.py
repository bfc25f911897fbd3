"""A trial of several runs as its tables show it: a row for each branch, and under it one for each replicate."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from sparsetune.base.messages import Branch, Key, Metrics, Row, Run, State, Trial
from sparsetune.config.metrics import OWN_TIME
from sparsetune.config.overrides import assign
from sparsetune.config.study.constraints import Constraint, feasible


def branch_rows(trial: Trial, objectives: Sequence[str] = (), constraints: Sequence[Constraint] = ()) -> list[Trial]:
    """A row of each branch, in the order of the fork; of a trial without one the trial itself.

    Args:
        objectives: names of their metrics, for ``values``.
    """
    if len(trial.branches) == 1:
        return [trial]
    return [row_of(trial, branch, objectives, constraints) for branch in trial.branches]


def row_of(trial: Trial, branch: Branch, objectives: Sequence[str], constraints: Sequence[Constraint]) -> Trial:
    """The row of one branch, from the trial's runs; of several replicates the means."""
    runs = tuple(run for run in trial.runs if run.key.branch == branch.name)
    state = _state(trial.state, runs)
    metrics, errors = mean_and_error(_measured(runs))
    judged = state == "COMPLETE" and all(name in metrics for name in objectives)
    return replace(
        trial,
        state=state,
        params={**trial.params, **branch.values},
        config=assign(trial.config, branch.values) if trial.config else {},
        metrics=metrics,
        errors=errors,
        values=tuple(metrics[name] for name in objectives) if judged else (),
        reason=next((run.reason for run in runs if run.reason), trial.reason),
        notes=runs[0].notes if runs else trial.notes,
        runs=runs,
        branches=(branch,),
        feasible=feasible(metrics, constraints),
        branch=branch.name,
    )


def replicate_rows(row: Trial) -> list[Trial]:
    """A row of each replicate of a row; none where there is only one, which is the row itself."""
    if len(row.runs) < 2:
        return []
    return [
        replace(
            row,
            state=run.state if run.state != "RUNNING" else row.state,
            config={**row.config, "seed": run.key.seed},
            metrics=run.metrics,
            errors={},
            values=(),
            reason=run.reason,
            notes=run.notes,
            runs=(),
            seed=run.key.seed,
        )
        for run in row.runs
    ]


def minutes_spent(trial: Trial) -> float | None:
    """What its trainings took, each stage counted once; None while nothing says.

    Of a study of an earlier version the longest branch of each seed counts, for branches share most of theirs.
    """
    own = [run.metrics[OWN_TIME] for run in trial.runs if OWN_TIME in run.metrics]
    if own:
        return sum(own)
    longest = minutes_of_longest((run.key, run.metrics) for run in trial.runs)
    return trial.metrics.get("time_min") if longest is None else longest


def minutes_of_longest(runs: Iterable[tuple[Key, Metrics]]) -> float | None:
    """Of each seed the branch that took longest, all seeds together; None where nothing says."""
    by_seed: dict[int, float] = {}
    for key, metrics in runs:
        if "time_min" in metrics:
            by_seed[key.seed] = max(metrics["time_min"], by_seed.get(key.seed, 0.0))
    return sum(by_seed.values()) if by_seed else None


def mean_and_error(samples: Sequence[Metrics]) -> tuple[Metrics, Metrics]:
    """Of each number that all replicates have: the mean, and the standard error s / sqrt(k), s with k - 1 below.

    Of one replicate: its own numbers, and no errors.
    """
    if len(samples) < 2:
        return (dict(samples[0]) if samples else {}), {}
    shared = [name for name in samples[0] if all(name in each for each in samples)]
    means, errors = {}, {}
    for name in shared:
        values = [each[name] for each in samples]
        means[name] = mean = values[0] if len({*values}) == 1 else _sum(values) / len(values)  # not a rounding off
        squares = _sum([(value - mean) * (value - mean) for value in values])
        if math.isfinite(squares):
            errors[name] = math.sqrt(squares / (len(values) - 1) / len(values))
    return means, errors


def mean_rows(replicates: Sequence[Sequence[Row]]) -> tuple[Row, ...]:
    """Row by row the mean of what all replicates have, as far as all of them have trained; known with the last one."""
    return tuple(
        replace(
            rows[0],
            metrics=mean_and_error([row.metrics for row in rows])[0],
            timestamp_ms=max(row.timestamp_ms for row in rows),
        )
        for rows in zip(*replicates, strict=False)
    )


def _sum(values: Sequence[float]) -> float:
    """Exact where it can be; of what is too large or infinite as floats have it."""
    try:
        return math.fsum(values)
    except (OverflowError, ValueError):
        return sum(values)


def _measured(runs: Sequence[Run]) -> list[Metrics]:
    """The numbers of those that ended well; where none did, of those that have any."""
    complete = [run.metrics for run in runs if run.state == "COMPLETE"]
    return complete or [run.metrics for run in runs if run.metrics]


def _state(of_trial: State, runs: Sequence[Run]) -> State:
    if of_trial in ("PRUNED", "FAIL"):
        return of_trial
    states = {run.state for run in runs}
    if "FAIL" in states:
        return "FAIL"
    return "COMPLETE" if states == {"COMPLETE"} else of_trial

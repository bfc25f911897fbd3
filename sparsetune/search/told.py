"""What a sampler is told of a trial that has ended: one state, and one value for each objective.

Of replicates it is told the means. Of a fork it is told one trial and not all rows: with one objective the best row,
with several the rows' mean. Numbers of trials then stay those of trainings, for every sampler.

``tests/search/test_forks.py`` measures it with TPE on fake studies whose best parameters depend on the branch (5
branches, 60 seeds, means with 95 % intervals, paired differences to what is told here). One objective, 40 trainings,
regret of the best row over that of the median random training: best row 0.042 [0.035, 0.048], all rows as trials of
their own +0.026 [+0.009, +0.042]. They mislead TPE: rows that share all drawn parameters count several times. Two
objectives, 30 trainings, share of the reachable hypervolume that no row covers: mean 0.119 [0.110, 0.129], random
search +0.042 [+0.029, +0.055], the best of each objective +0.016 [+0.005, +0.026], first row -0.005 [-0.014, +0.005],
the row that adds the most hypervolume -0.006 [-0.017, +0.004], all rows -0.023 [-0.036, -0.010]; after 60 trainings
(24 seeds) these last two -0.006 [-0.016, +0.004] and -0.011 [-0.021, -0.001]. All rows do a little better there, at
the price of trials that are no trainings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import isnan, nan

from sparsetune.base.messages import Metrics, Run, State, Trial
from sparsetune.config.study.constraints import Constraint
from sparsetune.config.study.file import Objective
from sparsetune.config.study.rows import mean_and_error, row_of


@dataclass(frozen=True)
class Told:
    """The end of a trial.

    Attributes:
        metrics: of the row that it is told by; of several replicates the means.
        errors: their standard errors.
        violations: how far each constraint is broken, as far as is known; at most 0 where it is met.
    """

    state: State
    reason: str = ""
    metrics: Metrics = field(default_factory=dict)
    errors: Metrics = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    values: tuple[float, ...] = ()
    violations: dict[str, float] = field(default_factory=dict)


def told(
    trial: Trial,
    state: State,
    runs: Sequence[Run],
    reason: str,
    objectives: Sequence[Objective],
    constraints: Sequence[Constraint],
) -> Told:
    """The end of a trial with these runs; a COMPLETE one of which no row has all objectives is a FAIL."""
    names = [each.metric for each in objectives]
    whole = replace(trial, state=state, runs=tuple(runs), reason=reason)
    rows = [row_of(whole, branch, names, constraints) for branch in trial.branches]
    if state != "COMPLETE":
        return _end(rows[0], state, reason, constraints)
    defined = [row for row in rows if row.values and not any(map(isnan, row.values))]
    if not defined:
        ended = [row for row in rows if row.state == "COMPLETE"]
        undefined = [name for name in names if any(isnan(row.metrics.get(name, nan)) for row in ended)]
        why = f"{', '.join(undefined)} is not a number" if undefined else rows[0].reason
        return _end((ended or rows)[0], "FAIL", why, constraints)
    return _end(_representative(defined, objectives, constraints), state, reason, constraints)


def _representative(rows: Sequence[Trial], objectives: Sequence[Objective], constraints: Sequence[Constraint]) -> Trial:
    """The best of the rows that meet the constraints, with several objectives their mean; else the nearest to them."""
    if len(rows) == 1:
        return rows[0]
    allowed = [row for row in rows if row.feasible]
    if not allowed:
        return min(rows, key=lambda row: sum(max(0.0, each) for each in _violations(row, constraints).values()))
    if len(objectives) == 1:
        pick = max if objectives[0].goal == "maximize" else min
        return pick(allowed, key=lambda row: row.values[0])
    if len(allowed) == 1:
        return allowed[0]
    metrics, _ = mean_and_error([row.metrics for row in allowed])
    return replace(allowed[0], metrics=metrics, errors={}, values=tuple(metrics[each.metric] for each in objectives))


def _violations(row: Trial, constraints: Sequence[Constraint], *, complete: bool = False) -> dict[str, float]:
    """By constraint; of a complete row also 0 for those whose metric its method does not have."""
    return {
        each.name: each.violation(row.metrics) if each.metric in row.metrics else 0.0
        for each in constraints
        if complete or each.metric in row.metrics
    }


def _end(row: Trial, state: State, reason: str, constraints: Sequence[Constraint]) -> Told:
    complete = state == "COMPLETE"
    violations = _violations(row, constraints, complete=complete)
    return Told(state, reason, row.metrics, row.errors, row.notes, row.values if complete else (), violations)

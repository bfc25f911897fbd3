"""What a sampler is told of a trial that has ended: one state, and one value for each objective.

Of replicates it is told the means. Of a fork it is told of one trial, not of a row for each branch: rows that share
all drawn parameters would count several times (``tests/search/test_forks.py`` measures what that does to TPE).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import isnan, nan

from sparsetune.config.constraints import Constraint
from sparsetune.config.messages import Metrics, Run, State, Trial
from sparsetune.config.study_file import Objective
from sparsetune.config.views import mean_and_error, row_of


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
        undefined = [name for name in names if isnan(rows[0].metrics.get(name, nan))]
        return _end(rows[0], "FAIL", f"{', '.join(undefined)} is not a number", constraints)
    return _end(_representative(defined, objectives), state, reason, constraints)


def _representative(rows: Sequence[Trial], objectives: Sequence[Objective]) -> Trial:
    """The best row, one that meets the constraints before all others; with several objectives the rows' means."""
    if len(rows) == 1:
        return rows[0]
    allowed = [row for row in rows if row.feasible] or rows
    if len(objectives) == 1:
        pick = max if objectives[0].goal == "maximize" else min
        return pick(allowed, key=lambda row: row.values[0])
    metrics, _ = mean_and_error([row.metrics for row in allowed])
    return replace(allowed[0], metrics=metrics, values=tuple(metrics[each.metric] for each in objectives))


def _end(row: Trial, state: State, reason: str, constraints: Sequence[Constraint]) -> Told:
    violations = {each.name: each.violation(row.metrics) for each in constraints if each.metric in row.metrics}
    values = row.values if state == "COMPLETE" else ()
    return Told(state, reason, row.metrics, row.errors, row.notes, values, violations)

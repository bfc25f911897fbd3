"""The one metric by which a pruner judges running trials."""

from __future__ import annotations

from dataclasses import dataclass

from sparsetune.base.errors import BadInput, unknown
from sparsetune.config.metrics import Goal
from sparsetune.config.study.problem import Problem

_KEY = "pruner.metric"
_LIST = " (`sparsetune metrics` lists them)"


@dataclass(frozen=True)
class Gate:
    """A metric, its goal, and whether it is the study's one objective."""

    metric: str
    goal: Goal
    objective: bool


def gate_of(metric: str | None, problem: Problem, *, at_the_end: bool = False) -> Gate:
    """The gate that a pruner's ``metric`` means: by default the study's one objective.

    Args:
        at_the_end: the pruner reads what trainings end with, not their epochs.

    Raises:
        BadInput: no such metric, none to be known in time, or none that has a better and a worse.
    """
    objectives = {objective.metric: objective for objective in problem.objectives}
    if metric is None and len(objectives) > 1:
        example = problem.objectives[0].metric
        raise BadInput(f"missing: with several objectives one metric is judged, such as {example}", key=_KEY)
    name = metric or problem.objectives[0].metric
    objective = objectives.get(name)
    if objective is None and name not in problem.metrics:
        raise BadInput(unknown("metric", name, problem.metrics).partition(" (allowed")[0] + _LIST, key=_KEY)
    if name.startswith("test_"):
        raise BadInput(f"{name!r} is of test data, which never selects anything{_LIST}", key=_KEY)
    late = problem.late(objective.reads if objective else (name,))
    if late and not at_the_end:
        raise BadInput(f"{late[0]!r} is known only at the end of a trial: nothing to prune on{_LIST}", key=_KEY)
    goal = objective.goal if objective else problem.metrics[name].goal
    if goal is None:
        raise BadInput(f"{name!r} has no better and worse: nothing to prune on{_LIST}", key=_KEY)
    return Gate(name, goal, objective=list(objectives) == [name])

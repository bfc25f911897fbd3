"""The common ground of Optuna's pruners: one metric, the gate, is written into a sheet, and the pruner judges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from sparsetune.base.errors import BadInput
from sparsetune.base.messages import Metrics, Row
from sparsetune.config.base import Part, param
from sparsetune.config.metrics import Goal
from sparsetune.config.study.problem import Problem
from sparsetune.search.pruners.contract import Pruner, Stopper
from sparsetune.search.pruners.front import FrontKept, FrontOfMeans
from sparsetune.search.pruners.sheets import Beside, Own, Sheet

if TYPE_CHECKING:
    from optuna import Study
    from optuna.pruners import BasePruner

_KEY = "pruner.metric"
_LIST = " (`sparsetune metrics` lists them)"


class Gated(Part):
    """The settings of a pruner that judges one metric."""

    metric: str | None = param(None, "what is judged; null: the objective, if there is only one")

    def keeps_front(self, problem: Problem) -> bool:
        """Whether a trial that the pruner would stop goes on while it is on the front."""
        return False


class GatedFront(Gated):
    """The settings of a pruner that judges one metric, and of several objectives keeps the front."""

    keep_front: bool | None = param(
        None, "of several objectives: stop a trial only if two others beat it in those known by then; null: true"
    )

    def keeps_front(self, problem: Problem) -> bool:
        several = len(problem.objectives) > 1
        if self.keep_front is not None and not several:
            raise BadInput("the study has one objective, and so no front; remove the key", key="pruner.keep_front")
        return several and self.keep_front is not False


@dataclass(frozen=True)
class Gate:
    """A metric, its goal, and whether it is the study's one objective."""

    metric: str
    goal: Goal
    objective: bool


def gate_of(metric: str | None, problem: Problem, *, at_the_end: bool) -> Gate:
    """The gate that a pruner's ``metric`` means: by default the study's one objective.

    Args:
        at_the_end: the pruner reads what trainings end with, not their epochs.

    Raises:
        BadInput: no such metric, none to be known in time, or none that has a better and a worse.
    """
    objectives = {objective.metric: objective for objective in problem.objectives}
    if metric is None and len(objectives) > 1:
        example = problem.objectives[0].metric
        problem_text = f"missing: with several objectives one metric is judged, such as {example}"
        raise BadInput(problem_text, key=_KEY, code="missing")
    name = metric or problem.objectives[0].metric
    objective = objectives.get(name)
    if objective is None and name not in problem.metrics:
        raise BadInput.unknown("metric", name, problem.metrics, more=_LIST, key=_KEY)
    if name.startswith("test_"):
        raise BadInput(f"{name!r} is of test data, which never selects anything{_LIST}", key=_KEY)
    late = problem.late(objective.reads if objective else (name,))
    if late and not at_the_end:
        raise BadInput(f"{late[0]!r} is known only at the end of a trial: nothing to prune on{_LIST}", key=_KEY)
    goal = objective.goal if objective else problem.metrics[name].goal
    if goal is None:
        raise BadInput(f"{name!r} has no better and worse: nothing to prune on{_LIST}", key=_KEY)
    return Gate(name, goal, objective=list(objectives) == [name])


def refuse_rewinding(config: Part, problem: Problem) -> None:
    """Raise :class:`BadInput` for a pruner that holds a trial against its own past, where trials begin again."""
    if problem.rewinds:
        name = f"{config.name!r} judges a trial by its own past, and these put their networks back on the way"
        raise BadInput(name, allowed="median, percentile, asha or hyperband", key="pruner.name", code="conflict")


class OfEpochs:
    """Judges a trial after each epoch whose network has settled, and has the metric."""

    unit = "epochs"
    at_the_end = False  # what is judged is known only there
    front: type[FrontKept] = FrontKept

    def __init__(self, sheet: Sheet, metric: str) -> None:
        self._sheet = sheet
        self._metric = metric
        self.record = sheet.record
        self.ended = sheet.ended
        self.restore = sheet.restore

    @staticmethod
    def worth(values: Sequence[float]) -> float:
        """Of a trial that ended, for which nothing but the objective itself is read."""
        return values[-1]

    def report(self, number: int, row: Row) -> bool:
        value = row.metrics.get(self._metric)
        return row.settled and value is not None and self._sheet.judge(number, row.number, value)

    def replicate(self, number: int, index: int, metrics: Metrics) -> bool:
        return False


class OfReplicates(OfEpochs):
    """Judges a trial after each of its replicates."""

    unit = "replicates"
    at_the_end = True
    front = FrontOfMeans

    @staticmethod
    def worth(values: Sequence[float]) -> float:
        return sum(values) / len(values)

    def report(self, number: int, row: Row) -> bool:
        return False

    def replicate(self, number: int, index: int, metrics: Metrics) -> bool:
        return self._metric in metrics and self._sheet.judge(number, index, metrics[self._metric])


class OptunaPruner(Pruner):
    """One of Optuna's pruners."""

    kind: ClassVar[type[OfEpochs]] = OfEpochs

    @classmethod
    def make(cls, config: Any, problem: Problem) -> BasePruner:
        """Optuna's pruner; its steps are epochs, counted from 1, or replicates, counted from 0."""
        raise NotImplementedError

    @classmethod
    def refuse(cls, config: Any, problem: Problem) -> None:
        gate_of(config.metric, problem, at_the_end=cls.kind.at_the_end)
        config.keeps_front(problem)

    @classmethod
    def stopper(cls, config: Any, problem: Problem, copy: Study) -> Stopper:
        gate = gate_of(config.metric, problem, at_the_end=cls.kind.at_the_end)
        pruner = cls.make(config, problem)
        if gate.objective:
            return cls.kind(Own(copy, pruner), gate.metric)
        kept = {"metric": gate.metric, "steps": cls.kind.unit}
        judging = cls.kind(Beside(problem.name, gate.goal, pruner, kept, cls.kind.worth), gate.metric)
        in_time = [each for each in problem.objectives if cls.kind.at_the_end or not problem.late(each.reads)]
        if not in_time or not config.keeps_front(problem):
            return judging
        return cls.kind.front(judging, gate.metric, in_time, problem.epochs)

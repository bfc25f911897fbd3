"""What a pruner is, and the common ground of Optuna's: values go into a book, and its pruner judges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from sparsetune.base.errors import BadInput
from sparsetune.base.messages import Metrics, Row
from sparsetune.config.base import Part, param
from sparsetune.config.study.problem import Problem
from sparsetune.search.pruners.books import Beside, Book, Own
from sparsetune.search.pruners.front import FrontKept, FrontOfMeans
from sparsetune.search.pruners.gate import gate_of
from sparsetune.search.stopper import Stopper

if TYPE_CHECKING:
    from optuna import Study
    from optuna.pruners import BasePruner


class Pruner:
    """How running trials are judged. A class to be asked; it has no instances."""

    Config: type[Part]

    @classmethod
    def refuse(cls, config: Any, problem: Problem) -> None:
        """Raise :class:`~sparsetune.base.errors.BadInput` if the problem cannot be pruned like this."""

    @classmethod
    def stopper(cls, config: Any, problem: Problem, copy: Study) -> Stopper:
        """Who judges the trials of one cell.

        Args:
            copy: the cell's study in memory, which has the study's name.
        """
        raise NotImplementedError


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


class OfEpochs:
    """Judges a trial after each epoch whose network has settled, and has the metric."""

    unit = "epochs"
    at_the_end = False  # what is judged is known only there
    front: type[FrontKept] = FrontKept

    def __init__(self, book: Book, metric: str) -> None:
        self._book = book
        self._metric = metric
        self.record = book.record
        self.ended = book.ended
        self.restore = book.restore

    @staticmethod
    def worth(values: Sequence[float]) -> float:
        """Of a trial that ended, for which nothing but the objective itself is read."""
        return values[-1]

    def report(self, number: int, row: Row) -> bool:
        value = row.metrics.get(self._metric)
        return row.settled and value is not None and self._book.judge(number, row.number, value)

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
        return self._metric in metrics and self._book.judge(number, index, metrics[self._metric])


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
        known = [each for each in problem.objectives if cls.kind.at_the_end or not problem.late(each.reads)]
        if not known or not config.keeps_front(problem):
            return judging
        return cls.kind.front(judging, gate.metric, known, problem.epochs)

"""What a pruner is, and who decides for it that a running trial is not worth going on with; ``none`` never does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

from sparsetune.base.messages import Metrics, Row, State
from sparsetune.config.base import Part
from sparsetune.config.study.problem import Problem

if TYPE_CHECKING:
    from optuna import Study


class Stopper(Protocol):
    """Judges the trials of one cell of a study, by their numbers there, from 0. What it knows can be built again.

    Decisions depend on the reports alone, so that a study that was cut short and one that ran through decide alike.
    What a stopper does not say for itself stops nothing and keeps nothing.
    """

    def report(self, number: int, row: Row) -> bool:
        """Take a running trial's new row (of its first run); True when the trial should stop."""
        return False

    def replicate(self, number: int, index: int, metrics: Metrics) -> bool:
        """Take what a running trial's replicate, counted from 0, has ended with; True: no more are worth training."""
        return False

    def record(self, number: int) -> Any:
        """What :meth:`restore` wants of a trial that ends, as JSON has it; None if the storage has it anyway."""
        return None

    def ended(self, number: int, state: State) -> None:
        """The trial is COMPLETE, PRUNED or FAIL."""
        return None

    def restore(self, number: int, state: State, record: Any) -> None:
        """Take a trial that ended in an earlier run of the study; called in the order of numbers, before any report."""
        return None


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


class Never(Stopper):
    """Stops nothing and keeps nothing."""


class Nothing(Pruner):
    """Every trial runs to its end."""

    class Config(Part):
        name: Literal["none"] = "none"

    @classmethod
    def stopper(cls, config: Any, problem: Problem, copy: Study) -> Stopper:
        return Never()

"""Who decides that a running trial is not worth going on with."""

from __future__ import annotations

from typing import Any, Protocol

from sparsetune.base.messages import Metrics, Row, State


class Stopper(Protocol):
    """Judges the trials of one cell of a study, by their numbers there, from 0. What it knows can be built again.

    Decisions depend on the reports alone, so that a study that was cut short and one that ran through decide alike.
    """

    def report(self, number: int, row: Row) -> bool:
        """Take a running trial's new row (of its first run); True when the trial should stop."""

    def replicate(self, number: int, index: int, metrics: Metrics) -> bool:
        """Take what a running trial's replicate, counted from 0, has ended with; True: no more are worth training."""

    def record(self, number: int) -> Any:
        """What :meth:`restore` wants of a trial that ends, as JSON has it; None if the storage has it anyway."""

    def ended(self, number: int, state: State) -> None:
        """The trial is COMPLETE, PRUNED or FAIL."""

    def restore(self, number: int, state: State, record: Any) -> None:
        """Take a trial that ended in an earlier run of the study; called in the order of numbers, before any report."""

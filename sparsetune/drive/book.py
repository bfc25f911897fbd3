"""What the driver needs of the one who remembers trials, and what it holds of a trial that runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sparsetune.base.messages import Key, Metrics, Row, Run, State, Trial


class TrialBook(Protocol):
    """Where trials are drawn and remembered (``search.ledger.Ledger``)."""

    def __len__(self) -> int:
        """How many trials there are: the number of the next one."""

    @property
    def spent(self) -> bool:
        """Whether no further trial is to be drawn."""

    def trials(self) -> list[Trial]: ...
    def ask(self) -> Trial:
        """A new trial: RUNNING, or already COMPLETE where an equal one is known."""

    def report(self, number: int, row: Row) -> bool:
        """A row of the trial's first run; True: not worth going on with."""

    def replicate(self, number: int, index: int, metrics: Metrics) -> bool:
        """What a replicate, counted from 0, has ended with; True: no more are worth training."""

    def tell(self, number: int, state: State, runs: Sequence[Run], reason: str = "") -> Trial: ...


@dataclass
class Running:
    """The rows of each run so far, and the runs that have ended."""

    trial: Trial
    rows: dict[Key, list[Row]]
    runs: dict[Key, Run] = field(default_factory=dict)

    @property
    def first(self) -> Key:
        return self.trial.runs[0].key

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(dict.fromkeys(run.key.seed for run in self.trial.runs))

    def all_runs(self, state: State, reason: str) -> list[Run]:
        """The runs as the trial ends: one that had no end yet has its last row, and the trial's state."""
        return [self.runs.get(run.key) or self.left(run.key, state, reason) for run in self.trial.runs]

    def left(self, key: Key, state: State, reason: str) -> Run:
        """A run that had no end of its own, with its last row."""
        rows = self.rows[key]
        return Run(key, state, rows[-1].metrics if rows else {}, reason)

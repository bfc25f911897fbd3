"""The books that a driver works with, of a study or of one trial outside any; and what it holds of a running trial."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from sparsetune.base.messages import Branch, Key, Metrics, Row, Run, State, Trial


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
    """A trial that runs: its first run, its seeds, the rows of each run so far, and the runs that have ended."""

    trial: Trial
    first: Key
    seeds: tuple[int, ...]
    rows: dict[Key, list[Row]]
    runs: dict[Key, Run] = field(default_factory=dict)

    @staticmethod
    def of(trial: Trial) -> Running:
        rows: dict[Key, list[Row]] = {run.key: [] for run in trial.runs}
        seeds = dict.fromkeys(key.seed for key in rows)
        return Running(trial, trial.runs[0].key, tuple(seeds), rows)

    def all_runs(self, state: State, reason: str) -> list[Run]:
        """The runs as the trial ends: one that had no end yet has its last row, and the trial's state."""
        return [self.runs.get(run.key) or self.left(run.key, state, reason) for run in self.trial.runs]

    def left(self, key: Key, state: State, reason: str) -> Run:
        """A run that had no end of its own, with its last row."""
        rows = self.rows[key]
        return Run(key, state, rows[-1].metrics if rows else {}, reason)


class SingleTrial:
    """A book of one trial that nothing prunes or remembers."""

    def __init__(self, config: dict[str, Any], branches: tuple[Branch, ...] = (Branch(),)) -> None:
        runs = tuple(Run(Key(0, config["seed"], branch.name)) for branch in branches)
        started = time.time_ns() // 1_000_000
        self.trial = Trial(0, "RUNNING", {}, config, started_ms=started, runs=runs, branches=branches)
        self._asked = False

    def __len__(self) -> int:
        return int(self._asked)

    @property
    def spent(self) -> bool:
        return self._asked

    def trials(self) -> list[Trial]:
        return [self.trial] if self._asked else []

    def ask(self) -> Trial:
        self._asked = True
        return self.trial

    def report(self, number: int, row: Row) -> bool:
        return False

    def replicate(self, number: int, index: int, metrics: Metrics) -> bool:
        return False

    def tell(self, number: int, state: State, runs: Sequence[Run], reason: str = "") -> Trial:
        ended, first = time.time_ns() // 1_000_000, runs[0]
        self.trial = replace(
            self.trial,
            state=state,
            metrics=first.metrics,
            reason=reason,
            notes=first.notes,
            ended_ms=ended,
            runs=tuple(runs),
        )
        return self.trial

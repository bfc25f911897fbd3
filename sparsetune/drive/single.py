"""The book of a trial outside a study."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sparsetune.base.messages import Branch, Key, Metrics, Row, Run, State, Trial


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

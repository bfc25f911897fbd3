"""A stopper at work on a study in memory, and what a restart makes of it."""

from __future__ import annotations

import json
from typing import Any

from optuna.trial import Trial, TrialState

from search.cells import new_study, pruner_config, rebuilt
from sparsetune.base.messages import Row, State
from sparsetune.config.study.problem import Problem
from sparsetune.search.pruners import PRUNERS
from sparsetune.search.pruners.contract import Stopper


class Judged:
    def __init__(self, of: Problem, pruner: str, /, **options: Any) -> None:
        self.of, self._pruner = of, pruner
        self._config = pruner_config(pruner, **options)
        PRUNERS.get(pruner).refuse(self._config, of)
        self.copy = new_study(of)
        self.stopper = self._made()
        self._records: dict[int, Any] = {}

    def _made(self) -> Stopper:
        made: Stopper = PRUNERS.get(self._pruner).stopper(self._config, self.of, self.copy)
        return made

    def ask(self) -> Trial:
        return self.copy.ask()

    def report(self, number: int, epoch: int, *, settled: bool = True, **metrics: float) -> bool:
        return self.stopper.report(number, Row(epoch, 0, metrics, since=epoch, settled=settled))

    def end(self, number: int, state: State, value: float = 1.0) -> None:
        self._records[number] = json.dumps(self.stopper.record(number))
        values = [value] * len(self.of.objectives) if state == "COMPLETE" else None
        self.copy.tell(number, values, TrialState[state])
        self.stopper.ended(number, state)

    def finish(self, losses: list[float], **more: float) -> tuple[int, int | None]:
        """A whole trial with these losses after its epochs; its number and the epoch at which it was stopped."""
        number = self.ask().number
        for epoch, loss in enumerate(losses, 1):
            if self.report(number, epoch, val_loss=loss, **more):
                self.end(number, "PRUNED")
                return number, epoch
        self.end(number, "COMPLETE", losses[-1])
        return number, None

    def restart(self) -> None:
        """As from a storage: trials that have ended with their records, the others without their reports."""
        self.copy = rebuilt(self.copy)
        self.stopper = self._made()
        for trial in self.copy.get_trials():
            if trial.state.is_finished():
                name: Any = trial.state.name
                self.stopper.restore(trial.number, name, json.loads(self._records[trial.number]))

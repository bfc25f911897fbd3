"""With several objectives, a gate alone would stop what is good in the others: here the front is kept."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sparsetune.base.messages import Metrics, Row, State
from sparsetune.config.study.file import Objective
from sparsetune.search.pruners.contract import Stopper
from sparsetune.search.pruners.rungs import Reached, Rung, Rungs, is_rung, losses_of

if TYPE_CHECKING:
    import numpy as np

# tuned with benchmarks/early_stopping.py
_BEATEN_BY = 2  # one alone may have been lucky
_SHARE = 0.2  # of the longest trial's epochs: what is seen in less says too little of the end
_FACTOR = 1.25  # from the epochs of a rung to those of the next: 1, 2, 3, 4, 5, 6, 7, 9, 12, 15, 18, 23, ...


def beaten_by(losses: np.ndarray, index: int) -> int:
    """How many of losses (trials, objectives) are as good as that one in every objective, and better in one."""
    own = losses[index]
    return int(((losses <= own).all(axis=1) & (losses < own).any(axis=1)).sum())


class FrontKept(Stopper):
    """A trial that the gate would stop goes on until two others beat it, by what was seen so far.

    Another beats it that, as far in the same phase, was as good in every objective and better in one. That is looked
    up at the last rung of the phase that the trial has passed, so that of a phase of 50,000 epochs the values at eight
    of them are kept. Before a fifth of the longest trial's epochs nobody is stopped. What the gate has said once holds
    to the trial's end, since some gates look at few epochs only.

    While a trial runs, objectives that are known only at its end take no part: what is good in them alone is stopped.
    A trial whose gate or objective is not a number is left to the gate.
    """

    def __init__(self, gate: Stopper, metric: str, objectives: Sequence[Objective], epochs: int) -> None:
        """
        Args:
            metric: that the gate judges.
            objectives: those that are known when it does.
            epochs: of the longest trial.
        """
        self._gate = gate
        self._read = {metric, *(objective.metric for objective in objectives)}
        self._objectives = objectives
        self._first = math.ceil(_SHARE * epochs)
        self._rungs = Rungs()
        self._unwanted: set[int] = set()  # running trials that the gate would have stopped
        self._last: dict[int, Rung] = {}  # of running trials

    def report(self, number: int, row: Row) -> bool:
        if not row.settled:
            return False
        if row.number >= self._first and is_rung(row.since, 1, _FACTOR):
            self._enter(number, (row.phase, row.since), losses_of(row.metrics, self._objectives))
        return self._stops(number, self._gate.report(number, row), row.phase, row.metrics)

    def _enter(self, number: int, rung: Rung, losses: tuple[float, ...] | None) -> None:
        if losses is not None and all(map(math.isfinite, losses)):
            self._rungs.enter(number, rung, Reached(losses))
            self._last[number] = rung

    def _stops(self, number: int, unwanted: bool, phase: str, metrics: Metrics) -> bool:
        if unwanted:
            self._unwanted.add(number)
        return number in self._unwanted and not self._kept(number, phase, metrics)

    def _kept(self, number: int, phase: str, metrics: Metrics) -> bool:
        if not all(math.isfinite(metrics[name]) for name in self._read if name in metrics):
            return False
        rung = self._last.get(number)
        if rung is None or rung[0] != phase:
            return True
        peers = self._rungs.reached[rung]
        import numpy as np  # here, so that reading a study file does not wait for it

        losses = np.array([peer.losses for peer in peers.values()])
        return beaten_by(losses, list(peers).index(number)) < _BEATEN_BY

    def record(self, number: int) -> Any:
        return {**self._gate.record(number), "rungs": self._rungs.record(number)}

    def ended(self, number: int, state: State) -> None:
        self._gate.ended(number, state)
        self._rungs.ended(number, state)
        self._unwanted.discard(number)
        self._last.pop(number, None)

    def restore(self, number: int, state: State, record: Any) -> None:
        self._gate.restore(number, state, record)
        self._rungs.restore(number, state, record)


class FrontOfMeans(FrontKept):
    """The same with the trials' means after equally many replicates, which know every objective."""

    def __init__(self, gate: Stopper, metric: str, objectives: Sequence[Objective], epochs: int) -> None:
        super().__init__(gate, metric, objectives, epochs)
        self._ends: dict[int, dict[int, tuple[float, ...]]] = {}  # of running trials, by index of the replicate

    def report(self, number: int, row: Row) -> bool:
        return False

    def replicate(self, number: int, index: int, metrics: Metrics) -> bool:
        losses = losses_of(metrics, self._objectives)
        if losses is not None:
            ends = self._ends.setdefault(number, {})
            ends[index] = losses
            so_far = [ends[each] for each in sorted(ends) if each <= index]
            means = tuple(sum(values) / len(so_far) for values in zip(*so_far, strict=True))
            self._enter(number, ("", index + 1), means)
        return self._stops(number, self._gate.replicate(number, index, metrics), "", metrics)

    def ended(self, number: int, state: State) -> None:
        super().ended(number, state)
        self._ends.pop(number, None)

"""Early stopping with several objectives: at a few epochs of each phase the trials that add most hypervolume go on.

Source: asynchronous successive halving with non-dominated sorting (R. Schmucker et al., "Multi-objective Asynchronous
Successive Halving", 2021, arXiv:2106.12639), in the form that stops instead of waiting (MOASHA of Syne Tune). Here ties
in a front are broken by hypervolume instead of by distance, as Optuna's TPE does it, comparisons are closer and milder,
and each phase of a plan has its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from sparsetune.base.errors import BadInput
from sparsetune.base.messages import Row, State
from sparsetune.config.base import Part, param
from sparsetune.config.study.file import Objective
from sparsetune.config.study.problem import Problem
from sparsetune.search.pruners.contract import Pruner, Stopper
from sparsetune.search.pruners.rungs import Reached, Rungs, is_rung, losses_of

if TYPE_CHECKING:
    from optuna import Study


def scaled(losses: np.ndarray) -> np.ndarray:
    """Losses (trials, objectives) with each objective's range made [0, 1]; what is not finite is the worst."""
    finite = np.where(np.isfinite(losses), losses, np.nan)
    measured = ~np.isnan(finite).all(axis=0)
    low, high = np.zeros(losses.shape[1]), np.zeros(losses.shape[1])
    low[measured], high[measured] = np.nanmin(finite[:, measured], axis=0), np.nanmax(finite[:, measured], axis=0)
    span = np.where(high > low, high - low, 1.0)
    return np.asarray((np.where(np.isnan(finite), high, finite) - low) / span)


def goes_on(losses: np.ndarray, index: int, keep: float) -> bool:
    """Whether a trial is among the best share ``keep`` of losses (trials, objectives), rounded up.

    Whole fronts are, and of the last one those that add most. A trial of the front that is best in one objective
    always is, and so is one that equals another that is.
    """
    from sparsetune.search.optuna_private import adding_most, fronts

    relative = scaled(losses)
    count = math.ceil(keep * len(relative))
    front = fronts(relative, count)
    last = np.sort(front)[count - 1]
    own = relative[index]
    if front[index] != last:
        return bool(front[index] < last)
    differs = relative.max(axis=0) > 0  # of an objective in which all are equal none is best
    if last == 0 and (own == 0)[differs].any():
        return True
    tied = relative[front == last]
    taken = tied[adding_most(tied, count - int((front < last).sum()))]
    return bool((taken == own).all(axis=1).any())


@dataclass
class Comparing(Stopper):
    """Stops at each rung whoever is not among the best share of those that have come there."""

    objectives: Sequence[Objective]
    epochs: int  # of the longest trial
    first: int
    factor: float
    keep: float
    density_within: float | None
    rungs: Rungs = field(default_factory=Rungs)
    judged: dict[int, int] = field(default_factory=dict)  # of running trials: the epoch of the last comparison
    stopped: set[int] = field(default_factory=set)

    def report(self, number: int, row: Row) -> bool:
        losses = losses_of(row.metrics, self.objectives)
        rung = (row.phase, row.since)
        if self._compares(row) and losses is not None:
            new = self.rungs.enter(number, rung, Reached(losses, row.metrics.get("density", 1.0)))
            if new:  # what was judged once stays judged
                if not self._goes_on(number, self.rungs.reached[rung], self._share(number, row.number)):
                    self.stopped.add(number)
                self.judged[number] = row.number
        return number in self.stopped

    def _compares(self, row: Row) -> bool:
        """Not after the last epoch: that would save nothing."""
        return row.settled and row.number != self.epochs and is_rung(row.since, self.first, self.factor)

    def _share(self, number: int, epoch: int) -> float:
        """Who goes on, so that a plan of many phases stops as many as one with a single phase of that length."""
        grown = epoch / self.judged[number] if number in self.judged else self.factor
        return float(self.keep ** min(1.0, math.log(grown, self.factor)))

    def _goes_on(self, number: int, rung: Mapping[int, Reached], share: float) -> bool:
        peers = [peer for peer, reached in rung.items() if self._comparable(reached, rung[number])]
        return goes_on(np.array([rung[peer].losses for peer in peers]), peers.index(number), share)

    def _comparable(self, one: Reached, other: Reached) -> bool:
        within = self.density_within
        return within is None or math.isclose(one.density, other.density, rel_tol=within)

    def record(self, number: int) -> Any:
        return {"rungs": self.rungs.record(number)}

    def ended(self, number: int, state: State) -> None:
        self.stopped.discard(number)
        self.judged.pop(number, None)
        self.rungs.ended(number, state)

    def restore(self, number: int, state: State, record: Any) -> None:
        self.rungs.restore(number, state, record)


class Hypervolume(Pruner):
    """Stops a trial that is not among the best by front and hypervolume, of those at the same epoch of its phase."""

    class Config(Part):
        name: Literal["hypervolume"] = "hypervolume"
        keep: float = param(
            0.65, "share of trials that go on whenever their epochs grow by the factor", unit="fraction", gt=0, le=1
        )
        min_epochs: int | None = param(
            None, "epochs of a phase before the first; null: an eighth of the longest trial's", unit="epochs", ge=1
        )
        factor: float = param(1.5, "from the epochs of a comparison to those of the next", ge=1.1)
        density_within: float | None = param(
            None, "compare only trials whose densities differ by no more, relative to the larger", unit="fraction", ge=0
        )

    @classmethod
    def refuse(cls, config: Config, problem: Problem) -> None:
        at_the_end = [name for each in problem.objectives for name in problem.late(each.reads)]
        early = [each.metric for each in problem.objectives if not problem.late(each.reads)]
        gate = f"judge one metric instead: {{name: median, metric: {(early or ['val_loss'])[0]}}}"
        if len(problem.objectives) < 2:
            text = f"hypervolume wants at least two objectives, found {len(problem.objectives)}; {gate}"
            raise BadInput(text, key="pruner")
        if at_the_end:
            text = f"hypervolume compares running trials, and {at_the_end[0]!r} is known only at the end of one; {gate}"
            raise BadInput(text, key="pruner")
        if problem.constraints:
            text = f"hypervolume knows no constraints: trials that break one would stop others; {gate}"
            raise BadInput(text, key="pruner")

    @classmethod
    def stopper(cls, config: Config, problem: Problem, copy: Study) -> Stopper:
        first = config.min_epochs or math.ceil(problem.epochs / 8)
        return Comparing(problem.objectives, problem.epochs, first, config.factor, config.keep, config.density_within)

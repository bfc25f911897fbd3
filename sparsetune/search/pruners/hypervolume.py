"""Early stopping with several objectives: at a few epochs of each phase the trials that add most hypervolume go on.

Source: asynchronous successive halving with non-dominated sorting (R. Schmucker et al., "Multi-objective Asynchronous
Successive Halving", 2021, arXiv:2106.12639), in the form that stops instead of waiting (MOASHA of Syne Tune). Here ties
in a layer are broken by hypervolume instead of by distance, as Optuna's TPE does it, comparisons are closer and milder,
and each phase of a plan has its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from sparsetune.config.base import Part, param
from sparsetune.config.errors import BadInput
from sparsetune.config.expressions import parse
from sparsetune.config.messages import Metrics, Row, State
from sparsetune.config.problem import Problem
from sparsetune.config.study_file import Objective
from sparsetune.search.pruners.contract import Pruner
from sparsetune.search.stopper import Stopper

if TYPE_CHECKING:
    from optuna import Study


def is_rung(since: int, first: int, factor: float) -> bool:
    """Whether trials are compared after that many epochs: after ``first``, ``first * factor``, ..., rounded."""
    at = float(first)
    while round(at) < since:
        at *= factor
    return round(at) == since


def scaled(losses: np.ndarray) -> np.ndarray:
    """Losses (trials, objectives) with each objective's range made [0, 1]; what is not finite is the worst."""
    finite = np.where(np.isfinite(losses), losses, np.nan)
    known = ~np.isnan(finite).all(axis=0)
    low, high = np.zeros(losses.shape[1]), np.zeros(losses.shape[1])
    low[known], high[known] = np.nanmin(finite[:, known], axis=0), np.nanmax(finite[:, known], axis=0)
    span = np.where(high > low, high - low, 1.0)
    return np.asarray((np.where(np.isnan(finite), high, finite) - low) / span)


def layers(losses: np.ndarray, count: int) -> np.ndarray:
    """For losses (trials, objectives) each trial's layer: 0 for the front, 1 for the front without those, ...

    Once the layers hold ``count`` trials, all others are of the next.
    """
    from optuna.study._multi_objective import _fast_non_domination_rank

    return _fast_non_domination_rank(losses, n_below=count)


def adding_most(losses: np.ndarray, count: int) -> np.ndarray:
    """Of a layer with losses (trials, objectives) in [0, 1] the ``count`` trials, as a mask, that are taken if it is
    always the one that adds most hypervolume to those taken before; the reference point is 1.1."""
    from optuna._hypervolume.hssp import _solve_hssp

    taken = np.zeros(len(losses), dtype=bool)
    taken[_solve_hssp(losses, np.arange(len(losses)), count, np.full(losses.shape[1], 1.1))] = True
    return taken


def goes_on(losses: np.ndarray, index: int, keep: float) -> bool:
    """Whether a trial is among the best share ``keep`` of losses (trials, objectives), rounded up.

    Whole layers are, and of the last one those that add most. A trial of the front that is best in one objective
    always is, and so is one that equals another that is.
    """
    points = scaled(losses)
    count = math.ceil(keep * len(points))
    layer = layers(points, count)
    last = np.sort(layer)[count - 1]
    own = points[index]
    if layer[index] != last:
        return bool(layer[index] < last)
    differs = points.max(axis=0) > 0  # of an objective in which all are equal none is best
    if last == 0 and (own == 0)[differs].any():
        return True
    tied = points[layer == last]
    taken = tied[adding_most(tied, count - int((layer < last).sum()))]
    return bool((taken == own).all(axis=1).any())


@dataclass(frozen=True)
class Reached:
    """What a trial had when it came to a rung."""

    losses: tuple[float, ...]  # the less, the better
    density: float


@dataclass
class Rungs:
    """Who came to which rung, a phase and epochs of it, with what."""

    objectives: Sequence[Objective]
    epochs: int  # of the longest trial
    first: int
    factor: float
    keep: float
    density_within: float | None
    reached: dict[tuple[str, int], dict[int, Reached]] = field(default_factory=dict)
    judged: dict[int, int] = field(default_factory=dict)  # of running trials: the epoch of the last comparison
    stopped: set[int] = field(default_factory=set)

    def report(self, number: int, row: Row) -> bool:
        values = [row.metrics.get(objective.metric) for objective in self.objectives]
        if self._compares(row) and None not in values:
            losses = tuple(
                -value if objective.goal == "maximize" else value
                for value, objective in zip(values, self.objectives, strict=True)
                if value is not None
            )
            rung = self.reached.setdefault((row.phase, row.since), {})
            if number not in rung:  # after a restart a worker repeats its rows: what was judged once stays judged
                rung[number] = Reached(losses, row.metrics.get("density", 1.0))
                if not self._goes_on(number, rung, self._share(number, row.epoch)):
                    self.stopped.add(number)
                self.judged[number] = row.epoch
        return number in self.stopped

    def _compares(self, row: Row) -> bool:
        """Not after the last epoch: that would save nothing."""
        return row.settled and row.epoch != self.epochs and is_rung(row.since, self.first, self.factor)

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

    def replicate(self, number: int, index: int, metrics: Metrics) -> bool:
        return False

    def record(self, number: int) -> Any:
        passed = [
            [phase, since, list(rung[number].losses), rung[number].density]
            for (phase, since), rung in self.reached.items()
            if number in rung
        ]
        return {"rungs": passed}

    def ended(self, number: int, state: State) -> None:
        self.stopped.discard(number)
        self.judged.pop(number, None)
        if state == "FAIL":  # it leads nowhere, and should stop nobody
            for rung in self.reached.values():
                rung.pop(number, None)

    def restore(self, number: int, state: State, record: Any) -> None:
        if state == "FAIL" or not isinstance(record, Mapping):
            return
        for phase, since, losses, density in record.get("rungs", ()):  # another pruner's record has none
            self.reached.setdefault((phase, since), {})[number] = Reached(tuple(losses), density)


class Hypervolume(Pruner):
    """Stops a trial that is not among the best by front and hypervolume, of those at the same epoch of its phase."""

    class Config(Part):
        name: Literal["hypervolume"] = "hypervolume"
        keep: float = param(
            0.65,
            "share of trials that go on whenever their epochs grow by the factor",
            unit="fraction",
            gt=0,
            le=1,
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
        late = [name for each in problem.objectives for name in _late(each, problem)]
        early = [each.metric for each in problem.objectives if not _late(each, problem)]
        gate = f"judge one metric instead: {{name: median, metric: {(early or ['val_loss'])[0]}}}"
        if len(problem.objectives) < 2:
            text = f"hypervolume wants at least two objectives, found {len(problem.objectives)}; {gate}"
            raise BadInput(text, key="pruner")
        if late:
            text = f"hypervolume compares running trials, and {late[0]!r} is known only at the end of one; {gate}"
            raise BadInput(text, key="pruner")
        if problem.constraints:
            text = f"hypervolume knows no constraints: trials that break one would stop others; {gate}"
            raise BadInput(text, key="pruner")

    @classmethod
    def stopper(cls, config: Config, problem: Problem, copy: Study) -> Stopper:
        first = config.min_epochs or math.ceil(problem.epochs / 8)
        return Rungs(problem.objectives, problem.epochs, first, config.factor, config.keep, config.density_within)


def _late(objective: Objective, problem: Problem) -> list[str]:
    """The metrics that an objective needs and that are known at a trial's end only."""
    needed = parse(objective.score).names if objective.score else (objective.metric,)
    return [name for name in needed if name in problem.metrics and not problem.metrics[name].each_epoch]

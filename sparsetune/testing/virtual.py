"""Fake studies on a virtual clock: what does early stopping save, and what does it cost? One of 60 trials takes a
fraction of a second."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sparsetune.base.messages import Row
from sparsetune.base.seeds import mix
from sparsetune.config.study.problem import Problem
from sparsetune.testing.curves import OBJECTIVES, Landscape

if TYPE_CHECKING:
    import optuna

    from sparsetune.search.pruners.contract import Stopper


@dataclass(frozen=True)
class Played:
    """What a fake study came to.

    Attributes:
        epochs: trained, in all.
        stopped: numbers of the trials that did not end by themselves.
        ends: the objectives of each trial that did, by number.
    """

    epochs: int
    stopped: tuple[int, ...]
    ends: Mapping[int, tuple[float, ...]]


Judge = Callable[[Problem, "optuna.Study"], "Stopper"]  # makes the stopper of a study


def pruner(name: str, **options: Any) -> Judge:
    """The project's pruner of that name, as a study file would have it."""
    from sparsetune.search.pruners import PRUNERS

    chosen = PRUNERS.get(name)
    config = chosen.Config(**options)

    def judge(problem: Problem, copy: optuna.Study) -> Stopper:
        chosen.refuse(config, problem)
        stopper: Stopper = chosen.stopper(config, problem, copy)
        return stopper

    return judge


def play(
    landscape: Landscape,
    judge: Judge | None = None,
    *,
    trials: int = 60,
    workers: int = 4,
) -> Played:
    """A study with TPE whose workers are busy for virtual seconds; reports come in the order of that clock.

    A trial that is stopped is told as PRUNED, without values; after its last epoch it is not stopped any more.
    """
    import optuna
    from optuna.trial import TrialState

    study = optuna.create_study(directions=[objective.goal for objective in OBJECTIVES])
    problem = Problem("fake", landscape.seed, {}, OBJECTIVES, epochs=landscape.epochs)
    stopper = judge(problem, study) if judge else None
    space: dict[str, optuna.distributions.BaseDistribution] = {
        name: optuna.distributions.FloatDistribution(0, 1) for name in landscape.names
    }
    running: list[tuple[float, int]] = []  # (when the next epoch ends, trial)
    rows: dict[int, list[Row]] = {}
    asked: dict[int, optuna.Trial] = {}
    epochs, stopped = 0, []
    ends: dict[int, tuple[float, ...]] = {}

    def start(now: float) -> None:
        if len(asked) == trials:
            return
        study.sampler = _sampler(mix(landscape.seed, len(asked)))
        trial = study.ask(space)
        asked[trial.number], rows[trial.number] = trial, landscape.rows(trial.number, trial.params)
        heapq.heappush(running, (now + landscape.seconds(trial.number), trial.number))

    for _ in range(workers):
        start(0.0)
    while running:
        now, number = heapq.heappop(running)
        row = rows[number].pop(0)
        epochs += 1
        stop = stopper is not None and stopper.report(number, row)
        if stopper and stop and rows[number]:
            study.tell(asked[number], state=TrialState.PRUNED)
            stopper.ended(number, "PRUNED")
            stopped.append(number)
        elif rows[number]:
            heapq.heappush(running, (now + landscape.seconds(number), number))
            continue
        else:
            ends[number] = tuple(row.metrics[objective.metric] for objective in OBJECTIVES)
            study.tell(asked[number], ends[number])
            if stopper:
                stopper.ended(number, "COMPLETE")
        start(now)
    return Played(epochs, tuple(stopped), ends)


def _sampler(seed: int) -> optuna.samplers.TPESampler:
    import warnings

    import optuna

    with warnings.catch_warnings():  # "multivariate" is experimental
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.TPESampler(multivariate=True, seed=seed)


def hypervolume(landscape: Landscape, played: Played) -> float:
    """Of the trials that ran to their end, above the landscape's reference point."""
    least, height = landscape.reference().tolist()
    area = 0.0
    for first, second in sorted(played.ends.values(), reverse=True):
        if first > least and second > height:
            area += (first - least) * (second - height)
            height = second
    return area

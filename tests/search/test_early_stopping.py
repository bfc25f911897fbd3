"""What early stopping saves and costs, on fake studies with learning curves. Its defaults were tuned on other seeds
(2000 to 2039); ``benchmarks/early_stopping.py`` prints the figures with their intervals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import optuna
import pytest

from sparsetune.base.messages import Metrics, Row, State
from sparsetune.config.study.problem import Problem
from sparsetune.search.pruners.contract import Stopper
from sparsetune.testing.curves import Adaptive, Pruned
from sparsetune.testing.virtual import Judge, Played, hypervolume, play, pruner

SEEDS = range(20)


@cache
def whole(seed: int) -> Played:
    """The study in which every trial runs to its end."""
    return play(Adaptive(seed))


def over_the_whole(judge: Judge, seeds: Iterable[int] = SEEDS) -> tuple[float, float]:
    """Hypervolume and epochs of all studies over those of the whole ones; the hypervolume also as a mean of ratios,
    whichever is less."""
    volumes, epochs = [], []
    for seed in seeds:
        there = Adaptive(seed)
        played = play(there, judge)
        volumes.append((hypervolume(there, played), hypervolume(there, whole(seed))))
        epochs.append((played.epochs, whole(seed).epochs))
    ours, theirs = np.array(volumes).T
    spent, all_epochs = np.sum(epochs, axis=0)
    return min(ours.sum() / theirs.sum(), float(np.mean(ours / theirs))), spent / all_epochs


@pytest.mark.slow
def test_hypervolume_with_its_defaults() -> None:
    volume, epochs = over_the_whole(pruner("hypervolume"))
    assert volume >= 0.98
    assert epochs <= 0.7


@pytest.mark.slow
def test_a_gate_with_its_defaults() -> None:
    """Accuracy is judged, and trades off against cost: the cheap end of the front is among what counts."""
    volume, epochs = over_the_whole(pruner("hyperband", metric="val_accuracy"))
    assert volume >= 0.98
    assert epochs <= 0.7


@pytest.mark.slow
def test_a_gate_that_does_not_keep_the_front_loses_it() -> None:
    volume, _ = over_the_whole(pruner("median", metric="val_accuracy", keep_front=False), SEEDS[:6])
    assert volume < 0.9


def test_a_study_is_the_same_again() -> None:
    one, two = (play(Pruned(3), pruner("hypervolume"), trials=30) for _ in range(2))
    assert one == two
    assert one.stopped
    assert one.epochs < play(Pruned(3), trials=30).epochs == 30 * 30


class Blind:
    """A stopper that decides, and beside it one of the same kind that takes every row for settled."""

    def __init__(self, problem: Problem, copy: optuna.Study) -> None:
        make = pruner("hypervolume", min_epochs=2)
        self._seeing, self._blind = make(problem, copy), make(problem, copy)
        self.stopped: set[int] = set()

    def report(self, number: int, row: Row) -> bool:
        if self._blind.report(number, replace(row, settled=True)):
            self.stopped.add(number)
        return self._seeing.report(number, row)

    def ended(self, number: int, state: State) -> None:
        self._seeing.ended(number, state)
        self._blind.ended(number, state)

    def record(self, number: int) -> None: ...

    def replicate(self, number: int, index: int, metrics: Metrics) -> bool:
        return False

    def restore(self, number: int, state: State, record: Any) -> None: ...


@pytest.mark.slow
def test_judging_across_an_unsettled_prune_step_stops_trials_of_the_front() -> None:
    lost, front = 0, 0
    for seed in range(6):
        judges: list[Blind] = []

        def judge(problem: Problem, copy: optuna.Study, judges: list[Blind] = judges) -> Stopper:
            judges.append(Blind(problem, copy))
            return judges[0]

        ends = play(Pruned(seed), judge).ends
        best = {number for number, end in ends.items() if not any(beats(other, end) for other in ends.values())}
        lost += len(judges[0].stopped & best)
        front += len(best)
    assert lost > 0.05 * front


def beats(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one != other and all(a >= b for a, b in zip(one, other, strict=True))

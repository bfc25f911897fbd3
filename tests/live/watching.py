"""A study to watch, on a clock that is turned by hand."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from helpers.trials import FORK, several
from rich.console import Console

from sparsetune.base.messages import Key, Row, Run, Trial
from sparsetune.config.study.constraints import Constraint
from sparsetune.config.study.file import Objective
from sparsetune.config.study.problem import Extent
from sparsetune.live.console import ConsoleObserver
from sparsetune.live.standing import Better, Standing

TWO = (Objective(metric="val_accuracy", goal="maximize"), Objective(metric="compute_saved", goal="maximize"))
ONE = (Objective(metric="val_loss", goal="minimize"),)
EPOCHS = 10


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def trial(
    number: int,
    state: Literal["RUNNING", "COMPLETE", "PRUNED", "FAIL"] = "RUNNING",
    metrics: dict[str, float] | None = None,
    reason: str = "",
) -> Trial:
    params: dict[str, Any] = {"method.kp": 0.01 * (number + 1), "training.optimizer": "sgd"}
    return Trial(number, state, params, {"training": {"epochs": EPOCHS}}, metrics or {}, (), reason)


def complete(number: int, *values: float, objectives: Sequence[Objective] = TWO) -> Trial:
    metrics = {objective.metric: value for objective, value in zip(objectives, values, strict=True)}
    return trial(number, "COMPLETE", metrics)


def forked(number: int, base: float) -> Trial:
    """Three branches x two seeds; the second seed is 0.02 more accurate, each branch 0.05 more and saves 0.1 less."""
    results = {
        (seed, branch.name): {
            "val_accuracy": base + 0.05 * place + 0.02 * seed,
            "compute_saved": 0.4 - 0.1 * place,
        }
        for seed in (0, 1)
        for place, branch in enumerate(FORK)
    }
    return several(number, results)


def begun(trial: Trial) -> Trial:
    """A trial before anything is known of it."""
    return replace(trial, state="RUNNING", metrics={}, errors={}, runs=tuple(Run(run.key) for run in trial.runs))


def row(epoch: int, **metrics: float) -> Row:
    return Row(epoch, 0, metrics)


class Watched:
    """A standing whose trials are started and ended in one call."""

    def __init__(
        self,
        total: int = 10,
        objectives: Sequence[Objective] = TWO,
        earlier: Sequence[Trial] = (),
        constraints: Sequence[Constraint] = (),
        points: int | None = None,
    ) -> None:
        self.clock = Clock()
        self.standing = Standing(objectives, earlier, Extent(total, points), self.clock, constraints)

    def start(self, number: int, *, resumed: bool = False) -> None:
        self.standing.started(trial(number), resumed=resumed)

    def report(self, number: int, epoch: int, **metrics: float) -> None:
        self.standing.reported(trial(number), Key(number), [row(epoch, **metrics)])

    def end(self, ended: Trial) -> list[Better]:
        return self.standing.ended(ended)

    def whole(self, ended: Trial, seconds: float = 1.0) -> list[Better]:
        self.start(ended.number)
        self.clock.now += seconds
        return self.end(ended)


def observer(
    file: io.StringIO, clock: Clock, total: int = 10, earlier: Sequence[Trial] = (), **options: Any
) -> ConsoleObserver:
    options = {"width": 80, "height": 24, "_environ": {"TERM": "xterm-256color"}, **options}
    return ConsoleObserver(Console(file=file, **options), TWO, earlier, Extent(total), "a study", clock)


def run(watcher: ConsoleObserver, clock: Clock, ended: Trial, seconds: float = 1.0) -> None:
    watcher.trial_started(trial(ended.number), resumed=False)
    clock.now += seconds
    watcher.trial_ended(ended, {Key(ended.number): (row(EPOCHS, time_min=0.01),)}, {})

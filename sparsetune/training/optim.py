"""Optimisers and their schedules. A schedule is a function of the position, so it has no state to lose."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import torch
from torch.optim import Optimizer

from sparsetune.config.schedules import Constant, Cosine, OneCycle, Schedule, Step
from sparsetune.config.trial import Training
from sparsetune.training import fused

Parameters = Iterable[torch.nn.Parameter] | list[dict[str, Any]]


def make_optimizer(parameters: Parameters, training: Training) -> Optimizer:
    """torch's optimiser of that name, in its fused form."""
    usual: dict[str, Any] = {"lr": training.lr, "weight_decay": training.weight_decay, "fused": True}
    if training.optimizer == "sgd":
        return fused.SGD(parameters, momentum=training.momentum, nesterov=training.nesterov, **usual)
    return {"adam": fused.Adam, "adamw": fused.AdamW}[training.optimizer](parameters, **usual)


def with_own(parameters: Parameters, own: Sequence[torch.nn.Parameter]) -> Parameters:
    """Those, or those groups, and what is a task's own, which neither decays nor is clipped, in a group beside them."""
    if not own:
        return parameters
    listed: list[Any] = list(parameters)
    groups = listed if isinstance(listed[0], dict) else [{"params": listed}]
    return [*groups, {"params": [*own], "weight_decay": 0.0, "clipped": False}]


class Position(NamedTuple):
    """Where a training is.

    Attributes:
        epoch: from 0, of ``epochs``, which need not be a whole number.
        step: from 0, of the optimiser's ``steps`` in this epoch.
    """

    epoch: int
    epochs: float
    step: int = 0
    steps: int = 1

    @property
    def total(self) -> int:
        """Steps of all epochs."""
        return round(self.epochs * self.steps)

    @property
    def done(self) -> int:
        """Steps since the start, if all epochs have as many."""
        return self.epoch * self.steps + self.step


def _constant(schedule: Constant, lr: float, at: Position) -> float:
    return lr


def _step(schedule: Step, lr: float, at: Position) -> float:
    return lr * schedule.gamma ** (at.epoch // schedule.every)


def _cosine(schedule: Cosine, lr: float, at: Position) -> float:
    share = at.epoch / at.epochs if schedule.per == "epoch" else at.done / at.total
    return schedule.min_lr + (lr - schedule.min_lr) * (1 + math.cos(math.pi * share)) / 2


def _onecycle(schedule: OneCycle, lr: float, at: Position) -> float:
    first = lr / schedule.div_factor
    return _up_and_down(schedule, at, first, lr, first / schedule.final_div_factor)


def _up_and_down(schedule: OneCycle, at: Position, first: float, middle: float, last: float) -> float:
    """Half a cosine from ``first`` to ``middle`` and one from there to ``last``."""
    end = at.total - 1
    turn = schedule.pct_start * (end + 1) - 1  # need not be a whole number
    done = min(at.done, end)
    if done > turn:
        return _half_cosine(middle, last, (done - turn) / (end - turn))
    return _half_cosine(first, middle, done / turn if turn else 1.0)


def _half_cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) / 2.0 * (math.cos(math.pi * share) + 1)


_SCHEDULES: dict[type[Schedule], Callable[[Any, float, Position], float]] = {
    Constant: _constant,
    Step: _step,
    Cosine: _cosine,
    OneCycle: _onecycle,
}


def learning_rate(schedule: Schedule, lr: float, epoch: int, epochs: float, step: int = 0, steps: int = 1) -> float:
    """The schedule's learning rate of a step.

    Args:
        lr: that of the start; with onecycle the highest.
        epoch: from 0.
        epochs: of the whole training.
        step: from 0, within the epoch; matters to onecycle, and to cosine by steps.
        steps: of the epoch.
    """
    return _SCHEDULES[type(schedule)](schedule, lr, Position(epoch, epochs, step, steps))


def warmup(epochs: float, at: Position) -> float:
    """The factor of a step's learning rate: k / n in the k-th of the n steps that fit into ``epochs``, then 1."""
    return min(1.0, (at.done + 1) / (epochs * at.steps)) if epochs else 1.0


def momentum(schedule: OneCycle, at: Position) -> float:
    """The momentum of a step: lowest where the learning rate is highest."""
    return _up_and_down(schedule, at, schedule.max_momentum, schedule.base_momentum, schedule.max_momentum)


class Pacer:
    """Sets the learning rates of an optimiser, and its momentum where the schedule moves that too.

    To be made before the optimiser takes up a state: a method's groups may have rates of their own to start from, which
    stay in proportion to that of the training.
    """

    def __init__(self, optimizer: Optimizer, training: Training) -> None:
        self._optimizer = optimizer
        self._training = training
        self._proportions = [group["lr"] / training.lr for group in optimizer.param_groups]
        schedule = training.schedule
        self._cycle = schedule if isinstance(schedule, OneCycle) and schedule.cycle_momentum else None
        self._by_step = isinstance(schedule, OneCycle) or (isinstance(schedule, Cosine) and schedule.per == "step")

    def begin(self, done: int, count: int, steps: int, total: int) -> Callable[[int], None] | None:
        """Set what holds from the next step on.

        Args:
            done: steps of the schedule before it.
            count: steps that follow.
            steps: of an epoch.
            total: that the schedule spans.

        Returns:
            To be called with the number of each of those that follow, from 0, before it; None if nothing changes.
        """
        self._set(_position(done, steps, total))
        within = done % steps + count <= steps
        if within and not self._by_step and done >= self._training.warmup_epochs * steps:
            return None
        return lambda step: self._set(_position(done + step, steps, total))

    def _set(self, at: Position) -> None:
        training = self._training
        lr = warmup(training.warmup_epochs, at) * learning_rate(training.schedule, training.lr, *at)
        for group, proportion in zip(self._optimizer.param_groups, self._proportions, strict=True):
            group["lr"] = lr * proportion
        if self._cycle is None:
            return
        for group in self._optimizer.param_groups:
            group.update(_momentum_of(group, momentum(self._cycle, at)))


def _position(done: int, steps: int, total: int) -> Position:
    done = min(done, total)  # where a stage goes on beyond what its schedule spans
    return Position(done // steps, total / steps, done % steps, steps)


def _momentum_of(group: dict[str, Any], value: float) -> dict[str, Any]:
    """What a group's momentum is called: adam's is the first of two betas."""
    return {"betas": (value, group["betas"][1])} if "betas" in group else {"momentum": value}

"""Optimisers and learning-rate schedules. A schedule is a function of the epoch, so it has no state to lose."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from inspect import unwrap
from typing import Any

import torch
from torch.optim import Optimizer

from sparsetune.config.trial import Constant, Cosine, Schedule, Step, Training

Parameters = Iterable[torch.nn.Parameter] | list[dict[str, Any]]


_WRAPPED = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")


def _lean(optimizer: type[Optimizer]) -> Callable[..., Optimizer]:
    """torch's optimiser without the wrappers of its methods.

    They serve torch's compiler and profiler, import the compiler at first use (more than a second in each process)
    and take a quarter of the time of a step where the network is small. The hooks that they call are not used here.
    """
    bare = unwrap(optimizer.step)

    @torch.no_grad()
    def step(self: Optimizer) -> None:
        bare(self)

    step.hooked = True  # type: ignore[attr-defined]  # torch would wrap it again
    others = {name: unwrap(getattr(optimizer, name)) for name in _WRAPPED}
    return type(optimizer.__name__, (optimizer,), {"step": step, **others})


_SGD, _Adam, _AdamW = _lean(torch.optim.SGD), _lean(torch.optim.Adam), _lean(torch.optim.AdamW)


def _sgd(parameters: Parameters, training: Training) -> Optimizer:
    return _SGD(parameters, training.lr, momentum=training.momentum, weight_decay=training.weight_decay, fused=True)


def _adam(parameters: Parameters, training: Training) -> Optimizer:
    return _Adam(parameters, training.lr, weight_decay=training.weight_decay, fused=True)


def _adamw(parameters: Parameters, training: Training) -> Optimizer:
    return _AdamW(parameters, training.lr, weight_decay=training.weight_decay, fused=True)


_OPTIMIZERS: dict[str, Callable[[Parameters, Training], Optimizer]] = {"sgd": _sgd, "adam": _adam, "adamw": _adamw}


def make_optimizer(parameters: Parameters, training: Training) -> Optimizer:
    """torch's optimiser of that name, in its fused form."""
    return _OPTIMIZERS[training.optimizer](parameters, training)


def _constant(schedule: Constant, lr: float, epoch: int, epochs: int) -> float:
    return lr


def _step(schedule: Step, lr: float, epoch: int, epochs: int) -> float:
    return lr * schedule.gamma ** (epoch // schedule.every)


def _cosine(schedule: Cosine, lr: float, epoch: int, epochs: int) -> float:
    return schedule.min_lr + (lr - schedule.min_lr) * (1 + math.cos(math.pi * epoch / epochs)) / 2


_SCHEDULES: dict[type[Schedule], Callable[[Any, float, int, int], float]] = {
    Constant: _constant,
    Step: _step,
    Cosine: _cosine,
}


def learning_rate(schedule: Schedule, lr: float, epoch: int, epochs: int) -> float:
    """The learning rate of an epoch.

    Args:
        lr: that of the start.
        epoch: from 0.
        epochs: of the whole training.
    """
    return _SCHEDULES[type(schedule)](schedule, lr, epoch, epochs)

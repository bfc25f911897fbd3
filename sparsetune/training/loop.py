"""The only training loop. Draws the picture of ``sparsity/method.py``; knows no method by name."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from itertools import chain, islice

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.optim import Optimizer

from sparsetune.measures.cost import Cost
from sparsetune.sparsity.method import Method, TrainingFailed
from sparsetune.training.computing import set_mode, subnormals_are_zero
from sparsetune.training.task import Meter, Task
from sparsetune.training.tensors import bits

Batch = tuple[Tensor, Tensor]


class Diverged(TrainingFailed):
    """The loss is no longer a finite number."""


def windows(data: Iterator[Batch], size: int) -> Iterator[Iterator[Batch]]:
    """The same batches, ``size`` to an optimiser step, the last maybe fewer; each is fetched when it is wanted."""
    for first in data:
        yield chain((first,), islice(data, size - 1))


@subnormals_are_zero()
def train_steps(
    network: nn.Module,
    method: Method,
    optimizer: Optimizer,
    task: Task,
    data: Iterator[Batch],
    meter: Meter,
    *,
    cost: Cost,
    deadline: float = math.inf,
    summed: bool = False,
    grad_accum_steps: int = 1,
    clip_grad_norm: float | None = None,
    pace: Callable[[int], None] | None = None,
) -> int:
    """Train on all of the data; ends early when the clock reaches ``deadline`` (monotonic seconds).

    A step over several batches follows the mean over them, in which a batch weighs by the samples drawn for it: the
    mean over their samples, and of a method that selects, the mean of the active samples' means.

    Args:
        summed: a step follows the sum over the samples of its one batch instead; a penalty counts once.
        meter: gets what the network said of the drawn samples, each as predicted before the step that used it; of a
            batch whose selection was made without scoring, of its active samples.
        pace: told the number of each step, from 0, before it.

    Returns:
        The steps done.
    """
    set_mode(network, training=True)
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    clipped = [each for group in optimizer.param_groups if group.get("clipped", True) for each in group["params"]]
    session = method.session
    named = dict(network.named_parameters()) if session.masks else {}
    worn = [bits(named[name], mask) for name, mask in session.masks.items()]
    step = -1
    for step, window in enumerate(windows(data, grad_accum_steps)):
        for parameter in parameters:
            parameter.grad = None
        drawn = 0
        for inputs, targets in window:
            method.before_batch()
            size = len(targets)
            drawn += size
            selection = method.select(inputs, targets)
            scored = selection.outputs if selection is not None else None
            if scored is not None:
                meter.add(scored, targets)
                cost.scored += size
            if selection is not None:
                inputs, targets = inputs.index_select(0, selection.active), targets.index_select(0, selection.active)
            outputs = network(inputs)
            if scored is None:
                meter.add(outputs.detach(), targets)
            loss = task.loss(outputs, targets)
            if summed:
                loss = loss * len(targets)
            penalty = method.penalty()
            if penalty is not None:
                loss = loss + penalty
            if grad_accum_steps > 1:
                loss = loss * size
            loss.backward()
            cost.trained += len(targets)
        if grad_accum_steps > 1:
            torch._foreach_div_([p.grad for p in parameters if p.grad is not None], drawn)
        method.after_backward()
        if clip_grad_norm is not None:
            for name, mask in session.masks.items():  # what is pruned is no part of the norm
                if (gradient := named[name].grad) is not None:
                    gradient.mul_(mask)
            clip_grad_norm_(clipped, clip_grad_norm)
        if pace is not None:
            pace(step)
        optimizer.step()
        for weight, kept in worn:
            weight.bitwise_and_(kept)
        method.after_step()
        cost.drawn += drawn
        cost.steps += 1
        if time.monotonic() >= deadline:
            break
    return step + 1

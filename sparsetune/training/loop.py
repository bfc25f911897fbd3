"""The only training loop. Draws the picture of ``sparsity/method.py``; knows no method by name."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

from torch import Tensor, nn
from torch.optim import Optimizer

from sparsetune.sparsity.method import Method, Phase
from sparsetune.training.data.dataset import Split
from sparsetune.training.metrics.cost import Cost
from sparsetune.training.subnormal import subnormals_are_zero
from sparsetune.training.task import Classification, Meter


class Diverged(RuntimeError):
    """The loss is no longer a finite number."""


def batches(split: Split, size: int, order: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """The split in the given order, in batches; the last may be smaller."""
    for indices in order.split(size):
        yield split.inputs.index_select(0, indices), split.targets.index_select(0, indices)


@subnormals_are_zero()
def train_epoch(
    network: nn.Module,
    method: Method,
    optimizer: Optimizer,
    task: Classification,
    data: Iterator[tuple[Tensor, Tensor]],
    *,
    phase: Phase,
    epoch: int,
    cost: Cost,
    deadline: float,
) -> tuple[float, float]:
    """One pass over the data; ends early when the clock reaches ``deadline`` (monotonic seconds).

    Returns:
        The mean loss and the accuracy of the drawn samples, each as predicted before the step that used it.
    """
    network.train()
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    meter = Meter(task)
    started = time.perf_counter()
    for inputs, targets in data:
        method.before_batch()
        cost.drawn += len(targets)
        selection = method.select(inputs, targets, phase, epoch)
        if selection is not None:
            meter.add(selection.outputs, targets)
            cost.scored += len(targets)
            inputs, targets = inputs.index_select(0, selection.active), targets.index_select(0, selection.active)
        outputs = network(inputs)
        if selection is None:
            meter.add(outputs.detach(), targets)
        loss = task.loss(outputs, targets)
        penalty = method.penalty()
        if penalty is not None:
            loss = loss + penalty
        for parameter in parameters:
            parameter.grad = None
        loss.backward()
        method.after_backward()
        optimizer.step()
        method.after_step()
        cost.trained += len(targets)
        cost.steps += 1
        if time.monotonic() >= deadline:
            break
    result = meter.result()  # waits for the device, so the clock below has all the work
    cost.step_seconds += time.perf_counter() - started
    if not math.isfinite(result[0]):
        raise Diverged(f"train_loss became {result[0]} in epoch {epoch + 1}")
    return result

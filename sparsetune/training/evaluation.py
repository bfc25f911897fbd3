"""Evaluation of a split, in batches as large as the device likes."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from sparsetune.data.dataset import Split
from sparsetune.data.delivery import batches
from sparsetune.sparsity.method import Method
from sparsetune.training.mode import set_mode
from sparsetune.training.subnormal import subnormals_are_zero
from sparsetune.training.task import Meter, Task

_CACHED = 4 << 20  # bytes; with more a CPU waits for memory: LeNet-5 takes twice as long with 20 MB
_SHARE = 128  # of a GPU's memory: a layer holds its input too, and trials may share the GPU


@subnormals_are_zero()
@torch.inference_mode()
def evaluate(
    network: nn.Module, method: Method, task: Task, split: Split, batch: int, kept: list[Tensor] | None = None
) -> tuple[float, ...]:
    """Means on a split, as the task names them, in evaluation mode, ``batch`` samples at a time.

    Args:
        kept: gets the predictions, batch by batch, for those who have more to ask of them.
    """
    meter = Meter(task)
    for outputs, targets in _predictions(network, method, split, batch):
        meter.add(outputs, targets)
        if kept is not None:
            kept.append(outputs)
    return meter.result()


@subnormals_are_zero()
@torch.inference_mode()
def predictions(network: nn.Module, method: Method, split: Split, batch: int) -> Tensor:
    """Outputs (N, C) for a split in evaluation mode, ``batch`` samples at a time."""
    return torch.cat([outputs for outputs, _ in _predictions(network, method, split, batch)])


def _predictions(network: nn.Module, method: Method, split: Split, batch: int) -> Iterator[tuple[Tensor, Tensor]]:
    set_mode(network, training=False)
    method.begin_evaluation()
    for inputs, targets in batches(split, batch):
        method.before_batch()
        yield method.predict(inputs), targets


def evaluation_batch(widest: int, dtype: torch.dtype, device: torch.device) -> int:
    """Samples that are evaluated at once: so many that the network's largest tensor fills what the device has for it.

    A function of network and device alone, not of the memory that happens to be free: equal trials sum in equal parts.

    Args:
        widest: numbers in the largest tensor that one sample passes through.
    """
    room = torch.cuda.get_device_properties(device).total_memory // _SHARE if device.type == "cuda" else _CACHED
    return max(1, room // (widest * dtype.itemsize))

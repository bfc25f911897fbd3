"""Evaluation of a split, in batches as large as the device likes."""

from __future__ import annotations

import torch
from torch import nn

from sparsetune.sparsity.method import Method
from sparsetune.training.data.dataset import Split
from sparsetune.training.subnormal import subnormals_are_zero
from sparsetune.training.task import Classification, Meter

_CACHED = 4 << 20  # bytes; with more a CPU waits for memory: LeNet-5 takes twice as long with 20 MB
_SHARE = 128  # of a GPU's memory: a layer holds its input too, and trials may share the GPU


@subnormals_are_zero()
@torch.inference_mode()
def evaluate(network: nn.Module, method: Method, task: Classification, split: Split, batch: int) -> tuple[float, float]:
    """Mean loss and accuracy on a split, in evaluation mode, ``batch`` samples at a time."""
    network.eval()
    meter = Meter(task)
    for start in range(0, len(split), batch):
        part = slice(start, start + batch)
        method.before_batch()
        meter.add(network(split.inputs[part]), split.targets[part])
    return meter.result()


def evaluation_batch(widest: int, dtype: torch.dtype, device: torch.device) -> int:
    """Samples that are evaluated at once: so many that the network's largest tensor fills what the device has for it.

    A function of network and device alone, not of the memory that happens to be free: equal trials sum in equal parts.

    Args:
        widest: numbers in the largest tensor that one sample passes through.
    """
    room = torch.cuda.get_device_properties(device).total_memory // _SHARE if device.type == "cuda" else _CACHED
    return max(1, room // (widest * dtype.itemsize))

"""How a network computes inside: precision, mode, and numbers too small for a processor's fast path.

What goes in and comes out, and its parameters, keep their type and meaning.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from sparsetune.config.trial import Training

_TRAIN, _EVAL, _SET = nn.Module.train, nn.Module.eval, nn.Module.__setattr__


def compute_as_asked(network: nn.Module, training: Training, device: torch.device) -> None:
    """Set up a network that is on ``device`` for what ``training`` says of mixed precision and memory format.

    Everyone who calls the network gets the same: the loop, a method that scores, the evaluation.
    """
    if training.channels_last:
        network.to(memory_format=torch.channels_last)
        network.register_forward_pre_hook(_channels_last)
    if training.mixed_precision and device.type == "cuda":
        network.__class__ = _in_bfloat16(type(network))  # a bound method would keep the network's memory in a circle


def _channels_last(network: nn.Module, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(each.contiguous(memory_format=torch.channels_last) if each.ndim == 4 else each for each in arguments)


def _in_bfloat16(kind: type[nn.Module]) -> type[nn.Module]:
    """That kind of network, but with autocast inside."""

    def forward(network: nn.Module, inputs: Tensor) -> Tensor:
        """One context for each call: within one, weights that the optimiser has changed would not be cast anew."""
        with torch.autocast(inputs.device.type, torch.bfloat16):
            outputs: Tensor = kind.forward(network, inputs)
        return outputs.float()

    return type(kind.__name__, (kind,), {"forward": forward})


def set_mode(module: nn.Module, *, training: bool) -> None:
    """As ``module.train()`` or ``module.eval()``, which take as long as a layer of a small network.

    A class that has a way of its own of changing its mode, or of setting attributes, keeps it.
    """
    kind = type(module)
    if kind.train is not _TRAIN or kind.eval is not _EVAL or kind.__setattr__ is not _SET:
        module.train() if training else module.eval()
        return
    vars(module)["training"] = training
    for child in module._modules.values():
        if child is not None:
            set_mode(child, training=training)


@contextmanager
def subnormals_are_zero() -> Iterator[None]:
    """On a CPU, numbers below 1.2e-38 (float64: 2.2e-308) count as zero within, and on leaving as they did before.

    Squares of small gradients fall that low, a processor takes a hundred times longer over each, and nothing that is
    learned depends on them: without this an epoch of LeNet-300-100 with Adam takes a quarter longer and ends with the
    same weights.
    """
    before = sys.float_info.min / 2 == 0
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)

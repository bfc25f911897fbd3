"""How a network computes inside; what goes in and comes out, and its parameters, keep their type and meaning."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from sparsetune.config.trial import Training


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

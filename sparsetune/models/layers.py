"""Layers: those of a network that have weights, and what follows them; activations by name; a fast pooling."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

Activation = type[nn.ReLU] | type[nn.Tanh] | type[nn.Sigmoid]
ACTIVATIONS: dict[str, Activation] = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}


@dataclass(frozen=True)
class Layer:
    """A convolution, a linear layer, or the joint projection of an attention layer.

    Attributes:
        name: of the weight in the network.
        weight: (out, ...); what goes into one unit is ``weight[0]``.
        follower: the module right after it, where the network says so by a ``Sequential``.
    """

    name: str
    weight: Tensor
    bias: Tensor | None
    follower: nn.Module | None

    @property
    def fan_in(self) -> int:
        return self.weight[0].numel()


def layers(network: nn.Module) -> list[Layer]:
    """In order of registration; in every model here the last is the one that gives the outputs."""
    followers = {
        id(first): second
        for module in network.modules()
        if isinstance(module, nn.Sequential)
        for first, second in pairwise(module)
    }
    return [
        Layer(f"{path}.{name}" if path else name, getattr(module, name), bias, followers.get(id(module)))
        for path, module in network.named_modules()
        for name, bias in _weights(module)
    ]


def _weights(module: nn.Module) -> Iterator[tuple[str, Tensor | None]]:
    if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.Linear):
        yield "weight", module.bias
    if isinstance(module, nn.MultiheadAttention):  # its output projection is a linear layer of its own
        yield "in_proj_weight", module.in_proj_bias


class MaxPool2(nn.Module):
    """2x2 max pooling with stride 2: (..., H, W) to (..., H // 2, W // 2), the values of ``nn.MaxPool2d(2)``.

    torch's CPU kernel also notes where each maximum was and is not vectorised over pixels; two maxima of slices take
    a tenth of its time, but their gradient is slow, so they serve evaluation and selection only.
    """

    def forward(self, inputs: Tensor) -> Tensor:
        if inputs.is_cuda or (torch.is_grad_enabled() and inputs.requires_grad):
            return max_pool2d(inputs, 2)
        height, width = (length // 2 * 2 for length in inputs.shape[-2:])
        rows = torch.maximum(inputs[..., 0:height:2, :width], inputs[..., 1:height:2, :width])
        return torch.maximum(rows[..., 0::2], rows[..., 1::2])

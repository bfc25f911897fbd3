"""The layers of a network that have weights, and what follows them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor, nn

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

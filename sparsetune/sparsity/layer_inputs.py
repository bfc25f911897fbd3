"""Linear layers and convolutions as linear maps: what goes into each of their outputs, their weights as one tensor.

A convolution is a linear map of the patches that it looks at, one for each place of its output; a bias is a weight of
an input that is always 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from sparsetune.sparsity.tamade import bias_beside

Convolution = nn.Conv1d | nn.Conv2d | nn.Conv3d
MOST_INPUTS = 8192  # of an output: their second moments are 0.5 GB


@dataclass(frozen=True)
class LinearMap:
    """A layer as maps, one for each of its groups of channels, from n inputs to m outputs.

    Attributes:
        weight: name of the weight.
        layer: whose weight that is.
    """

    weight: str
    layer: nn.Linear | Convolution

    @property
    def parameters(self) -> list[Tensor]:
        """Weight and, if there is one, bias."""
        bias = self.layer.bias
        return [self.layer.weight] if bias is None else [self.layer.weight, bias]

    @property
    def names(self) -> list[str]:
        """Theirs."""
        return [self.weight, bias_beside(self.weight)][: len(self.parameters)]

    @property
    def groups(self) -> int:
        return 1 if isinstance(self.layer, nn.Linear) else self.layer.groups

    @property
    def matrix(self) -> Tensor:
        """(groups, m, n) weights; those of the bias are the last of n."""
        return self.joined(self.parameters)

    def joined(self, parts: Sequence[Tensor]) -> Tensor:
        """The same of what is shaped like weight and bias are."""
        shape = self.groups, len(self.layer.weight) // self.groups, -1
        return torch.cat([each.detach().reshape(shape) for each in parts], 2)

    def parted(self, matrix: Tensor) -> list[Tensor]:
        """And back."""
        parts = matrix.split([self.layer.weight[0].numel(), 1][: len(self.parameters)], 2)
        return [part.reshape(each.shape) for part, each in zip(parts, self.parameters, strict=True)]

    def inputs(self, samples: Tensor) -> Tensor:
        """(groups, places, n): what goes into the maps where the layer is called with these."""
        if isinstance(self.layer, nn.Linear):
            rows = samples.reshape(1, -1, samples.shape[-1])
        else:
            rows = patches(samples, self.layer)
        return rows if self.layer.bias is None else pad(rows, (0, 1), value=1.0)


def patches(samples: Tensor, layer: Convolution) -> Tensor:
    """(groups, places, n): what a convolution looks at in (N, channels, ...) samples, without its bias."""
    padded = pad(samples, _margins(layer), mode="constant" if layer.padding_mode == "zeros" else layer.padding_mode)
    dims = len(layer.kernel_size)
    for dim, (size, step, apart) in enumerate(zip(layer.kernel_size, layer.stride, layer.dilation, strict=True), 2):
        padded = padded.unfold(dim, apart * (size - 1) + 1, step)[..., ::apart]
    places = padded.movedim(1, dims + 1)  # N, places, channels, kernel
    return places.reshape(-1, layer.groups, layer.weight[0].numel()).transpose(0, 1)


def _margins(layer: Convolution) -> list[int]:
    """As ``pad`` wants them: two of each dimension, of the last first."""
    sides = [(0, 0)] * len(layer.kernel_size)
    if layer.padding == "same":
        whole = [apart * (size - 1) for apart, size in zip(layer.dilation, layer.kernel_size, strict=True)]
        sides = [(each // 2, each - each // 2) for each in whole]
    elif not isinstance(layer.padding, str):
        sides = [(each, each) for each in layer.padding]
    return [margin for side in reversed(sides) for margin in side]


def linear_maps(network: nn.Module, prunable: Collection[str]) -> list[LinearMap]:
    """Layers with these weights, in the order of the network.

    Projections of attention layers are none, nor are layers that share weight or bias with others, or that have too
    many inputs.
    """
    kinds = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
    modules = ((f"{path}.weight" if path else "weight", module) for path, module in network.named_modules())
    layers = [LinearMap(name, module) for name, module in modules if name in prunable and isinstance(module, kinds)]
    owners: Counter[Tensor] = Counter(each for module in network.modules() for each in module.parameters(recurse=False))
    return [
        layer
        for layer in layers
        if layer.layer.weight[0].numel() <= MOST_INPUTS and all(owners[each] == 1 for each in layer.parameters)
    ]


class _Enough(Exception):
    """All calls that are waited for have come."""


@torch.no_grad()
def calls_of(layer: nn.Module, network: nn.Module, samples: Tensor, most: int | None = None) -> list[Tensor]:
    """What the layer is called with where the network is called with these.

    Args:
        most: after so many calls what comes behind them in the network is left out.
    """
    calls: list[Tensor] = []

    def note(_: nn.Module, inputs: tuple[Any, ...]) -> None:
        calls.append(inputs[0])
        if len(calls) == most:
            raise _Enough

    handle = layer.register_forward_pre_hook(note)
    try:
        with suppress(_Enough):
            network(samples)
    finally:
        handle.remove()
    return calls

"""Networks in which units have no path, and what has to hold when they go."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from sparsetune.sparsity.units.fit import remove
from sparsetune.sparsity.units.removal import Removal, removal


def pruned(network: nn.Module, seed: int, share: float = 0.3) -> nn.Module:
    """The network in float64 with random biases and BatchNorm; of each layer so many rows are 0, and but in the first
    so many columns.
    """
    generator = torch.Generator().manual_seed(seed)

    def draw_(tensor: Tensor) -> None:
        tensor.copy_(torch.randn(tensor.shape, generator=generator))

    network = network.double()
    layers = [each for each in network.modules() if isinstance(each, nn.Linear | nn.Conv2d)]
    with torch.no_grad():
        for name, tensor in [*network.named_parameters(), *network.named_buffers()]:
            if name.endswith(("bias", "running_mean")):
                draw_(tensor)
        for norm in network.modules():
            if isinstance(norm, _BatchNorm):
                draw_(norm.weight)
                norm.running_var.copy_(0.5 + torch.rand(norm.running_var.shape, generator=generator))
        for number, layer in enumerate(layers):
            rows, columns = (torch.rand(side, generator=generator) < share for side in layer.weight.shape[:2])
            layer.weight[rows] = 0
            if number:
                layer.weight[:, columns] = 0
    return network


def size(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def without(network: nn.Module, inputs: Tensor) -> tuple[nn.Module, Removal]:
    """A copy in evaluation mode from which what can go has gone; its outputs are the same, and it has no more to go."""
    told = removal(network, inputs[:1])
    smaller = copy.deepcopy(network).eval()
    remove(smaller, told)
    with torch.no_grad():
        torch.testing.assert_close(smaller(inputs), copy.deepcopy(network).eval()(inputs), rtol=0, atol=1e-10)
    again = removal(smaller, inputs[:1])
    assert (again.cuts, again.shifts, again.removed) == ((), {}, 0)
    assert (again.units, again.stuck) == (told.units - told.removed, told.stuck)
    return smaller, told

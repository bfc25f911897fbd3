"""How weights are drawn, by name. Each takes a network just built and draws from torch's global generator.

fan_in is what goes into one unit: inputs of a linear layer, kernel height x width x input channels of a convolution.
BatchNorm is left at scale 1, shift 0 unless said otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn

from sparsetune.models.layers import layers

LUX_GAINS: dict[type, float] = {nn.ReLU: 2.0, nn.Tanh: 5 / 3}


def default(network: nn.Module) -> None:
    """As the architecture's source draws it: torch's own, or torchvision's for the models that it has."""


@torch.no_grad()
def kaiming(network: nn.Module) -> None:
    """W ~ N(0, 2 / fan_in), biases 0. Source: K. He et al. (2015)."""
    for layer in layers(network):
        layer.weight.normal_(0, math.sqrt(2 / layer.fan_in))
        if layer.bias is not None:
            layer.bias.zero_()


@torch.no_grad()
def xavier(network: nn.Module) -> None:
    """W ~ N(0, 2 / (fan_in + fan_out)), biases N(0, 1); BatchNorm's scale N(1, 0.02^2), shift 0. Source: code of
    rahulvigneswaran/Lottery-Ticket-Hypothesis-in-Pytorch.
    """
    for layer in layers(network):
        nn.init.xavier_normal_(layer.weight)
        if layer.bias is not None:
            layer.bias.normal_()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.weight.normal_(1, 0.02)
            module.bias.zero_()


@torch.no_grad()
def glorot(network: nn.Module) -> None:
    """W ~ N(0, 2 / (fan_in + fan_out)), biases 0. Source: J. Frankle, M. Carbin (2019), who do not speak of biases."""
    for layer in layers(network):
        nn.init.xavier_normal_(layer.weight)
        if layer.bias is not None:
            layer.bias.zero_()


@torch.no_grad()
def lux(network: nn.Module) -> None:
    """W ~ U(-B, B), B = sqrt(3) g / sqrt(fan_in); biases U(-1, 1) / sqrt(fan_in). Source: Lux 1, as in
    L0-and-behold/efficient-compression.

    g is 2 for a layer followed at once by ReLU, 5/3 by tanh, 1 by anything else (sigmoid, BatchNorm, nothing).
    """
    for layer in layers(network):
        bound = math.sqrt(3 / layer.fan_in) * LUX_GAINS.get(type(layer.follower), 1.0)
        layer.weight.uniform_(-bound, bound)
        if layer.bias is not None:
            layer.bias.uniform_(-1 / math.sqrt(layer.fan_in), 1 / math.sqrt(layer.fan_in))


@torch.no_grad()
def signed_constant(network: nn.Module) -> None:
    """W = +-sqrt(2 / fan_in) with the signs of the default draw; biases stay as drawn. Source: V. Ramanujan et al.,
    What's Hidden in a Randomly Weighted Neural Network? (2020).
    """
    for layer in layers(network):
        size = math.sqrt(2 / layer.fan_in)
        layer.weight.copy_(torch.where(layer.weight < 0, -size, size))


INITS: dict[str, Callable[[nn.Module], None]] = {
    "default": default,
    "kaiming": kaiming,
    "xavier": xavier,
    "glorot": glorot,
    "lux": lux,
    "signed_constant": signed_constant,
}

"""Networks with nothing to train but their weights: no biases, norms without scale and shift."""

from __future__ import annotations

from collections.abc import Collection

from torch import nn

_BIASES = ("bias", "in_proj_bias")  # of convolutions and linear layers, of attention
_SCALED = {
    nn.modules.batchnorm._BatchNorm: "affine",
    nn.GroupNorm: "affine",
    nn.LayerNorm: "elementwise_affine",
}


def make_bare(network: nn.Module, weights: Collection[str]) -> None:
    """Take off biases and the parameters of norms, in place; what is left beside ``weights`` stays as it was drawn.

    Args:
        weights: names of the parameters that are worked on.
    """
    for module in network.modules():
        for kind, flag in _SCALED.items():
            if isinstance(module, kind):
                setattr(module, flag, False)
                module.register_parameter("weight", None)
        for name in _BIASES:
            if isinstance(getattr(module, name, None), nn.Parameter):
                module.register_parameter(name, None)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name in weights)

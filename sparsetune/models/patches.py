"""The first layer of networks that cut an image into patches."""

from __future__ import annotations

from torch import nn


def patch_layer(channels: int, width: int, side: int, std: float) -> nn.Conv2d:
    """A convolution from (N, channels, H, W) to (N, width, H / side, W / side), drawn as torchvision's are: a normal
    distribution of deviation ``std`` cut off at 2, biases 0. torchvision's own takes three channels only.
    """
    layer = nn.Conv2d(channels, width, side, stride=side)
    nn.init.trunc_normal_(layer.weight, std=std)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer

"""LeNet-5 as it is trained today: ReLU for tanh, max for mean pooling, all channels connected.

Source: Y. LeCun et al., Gradient-Based Learning Applied to Document Recognition (1998), section II.B; with
``activation: sigmoid`` that of L0-and-behold/efficient-compression.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Literal

from torch import nn

from sparsetune.config.base import param
from sparsetune.models.contract import Model, ModelConfig
from sparsetune.models.layers import ACTIVATIONS, MaxPool2
from sparsetune.models.stem import misfit

PADDING = {28: 2, 32: 0}  # by the side of the image: both give 28x28 after the first convolution


class Lenet5Config(ModelConfig):
    """Settings of LeNet-5."""

    name: Literal["lenet5"] = "lenet5"
    activation: Literal["relu", "tanh", "sigmoid"] = param("relu", "what a hidden layer's outputs go through")


class Lenet5(Model):
    """Two convolutions with pooling, three linear layers: 61,706 parameters for grey images and 10 classes."""

    Config = Lenet5Config

    @classmethod
    def fits(cls, config: Lenet5Config, input_shape: tuple[int, ...]) -> None:
        """Its first linear layer fits two sizes of image."""
        if len(input_shape) != 3 or input_shape[1] != input_shape[2] or input_shape[1] not in PADDING:
            raise misfit("lenet5", "images of 28x28 or 32x32 pixels", input_shape)

    @classmethod
    def dropout_sites(cls, config: Lenet5Config) -> tuple[str, ...]:
        return ("pool1", "flatten", f"{config.activation}3", f"{config.activation}4")

    @classmethod
    def network(cls, config: Lenet5Config, input_shape: tuple[int, ...], outputs: int) -> nn.Module:
        channels, side, _ = input_shape
        maps1, maps2, units1, units2 = map(config.scaled, (6, 16, 120, 84))
        activation, act = ACTIVATIONS[config.activation], config.activation
        named: list[tuple[str, nn.Module]] = [
            ("conv1", nn.Conv2d(channels, maps1, 5, padding=PADDING[side])),
            (f"{act}1", activation()),
            ("pool1", MaxPool2()),
            ("conv2", nn.Conv2d(maps1, maps2, 5)),
            (f"{act}2", activation()),
            ("pool2", MaxPool2()),
            ("flatten", nn.Flatten()),
            ("linear1", nn.Linear(25 * maps2, units1)),
            (f"{act}3", activation()),
            ("linear2", nn.Linear(units1, units2)),
            (f"{act}4", activation()),
            ("linear3", nn.Linear(units2, outputs)),
        ]
        return nn.Sequential(OrderedDict(named))

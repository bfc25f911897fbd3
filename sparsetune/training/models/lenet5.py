"""LeNet-5 as it is trained today: ReLU for tanh, max for mean pooling, all channels connected.

Source: Y. LeCun et al., Gradient-Based Learning Applied to Document Recognition (1998), section II.B.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Literal

from torch import nn

from sparsetune.config.base import Part
from sparsetune.config.errors import BadInput
from sparsetune.config.registry import Registries
from sparsetune.config.trial import TrialConfig
from sparsetune.training.models.pool import MaxPool2

PADDING = {28: 2, 32: 0}  # by the side of the image: both give 28x28 after the first convolution


class Lenet5Config(Part):
    """LeNet-5 has no settings."""

    name: Literal["lenet5"] = "lenet5"


class Lenet5:
    """Two convolutions with pooling, three linear layers: 61,706 parameters for grey images and 10 classes."""

    Config = Lenet5Config

    @classmethod
    def check(cls, config: TrialConfig, registries: Registries) -> None:
        """Its first linear layer fits two sizes of image."""
        shape: tuple[int, ...] = registries.data.get(config.data.name).input_shape
        if len(shape) != 3 or shape[1] != shape[2] or shape[1] not in PADDING:
            found = "x".join(str(length) for length in shape[1:] or shape)
            raise BadInput(
                f"'lenet5' wants images of 28x28 or 32x32 pixels; {config.data.name!r} has {found}", key="model.name"
            )

    @classmethod
    def build(cls, config: Lenet5Config, input_shape: tuple[int, ...], classes: int) -> nn.Module:
        """A float32 network from (N, channels, side, side) to logits (N, classes), side 28 or 32.

        Draws from torch's global generator.
        """
        channels, side, _ = input_shape
        layers = OrderedDict[str, nn.Module](
            conv1=nn.Conv2d(channels, 6, 5, padding=PADDING[side]),
            relu1=nn.ReLU(),
            pool1=MaxPool2(),
            conv2=nn.Conv2d(6, 16, 5),
            relu2=nn.ReLU(),
            pool2=MaxPool2(),
            flatten=nn.Flatten(),
            linear1=nn.Linear(400, 120),
            relu3=nn.ReLU(),
            linear2=nn.Linear(120, 84),
            relu4=nn.ReLU(),
            linear3=nn.Linear(84, classes),
        )
        return nn.Sequential(layers)

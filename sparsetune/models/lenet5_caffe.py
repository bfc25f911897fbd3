"""The LeNet-5 that came with Caffe: more channels, one hidden linear layer, ReLU throughout.

Source: the LeNet that ships with Caffe, with ReLU after each layer, as in L0-and-behold/efficient-compression.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Literal

from torch import nn

from sparsetune.models.contract import ModelConfig
from sparsetune.models.layers import MaxPool2
from sparsetune.models.stem import ImageModel


class Lenet5CaffeConfig(ModelConfig):
    """LeNet-5-Caffe has the common settings only."""

    name: Literal["lenet5_caffe"] = "lenet5_caffe"


class Lenet5Caffe(ImageModel):
    """20 and 50 channels, 500 units: 431,080 parameters for grey images of 28x28 and 10 classes."""

    Config = Lenet5CaffeConfig
    smallest = 16

    @classmethod
    def dropout_sites(cls, config: Lenet5CaffeConfig) -> tuple[str, ...]:
        return ("pool1", "flatten", "relu3")

    @classmethod
    def network(cls, config: Lenet5CaffeConfig, input_shape: tuple[int, ...], outputs: int) -> nn.Module:
        channels, *sides = input_shape
        maps1, maps2, units = map(config.scaled, (20, 50, 500))
        height, width = (((side - 4) // 2 - 4) // 2 for side in sides)
        layers = OrderedDict[str, nn.Module](
            conv1=nn.Conv2d(channels, maps1, 5),
            relu1=nn.ReLU(),
            pool1=MaxPool2(),
            conv2=nn.Conv2d(maps1, maps2, 5),
            relu2=nn.ReLU(),
            pool2=MaxPool2(),
            flatten=nn.Flatten(),
            linear1=nn.Linear(maps2 * height * width, units),
            relu3=nn.ReLU(),
            linear2=nn.Linear(units, outputs),
        )
        return nn.Sequential(layers)

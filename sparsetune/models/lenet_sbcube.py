"""The LeNet of sbcube, whose dropout counts from the last layer.

Source: custom-computing-ic/sbcube, projects/trustworthy_dl.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Literal

from torch import nn

from sparsetune.models.contract import ModelConfig
from sparsetune.models.layers import MaxPool2
from sparsetune.models.stem import ImageModel


class LenetSbcubeConfig(ModelConfig):
    """This LeNet has the common settings only."""

    name: Literal["lenet_sbcube"] = "lenet_sbcube"


class LenetSbcube(ImageModel):
    """Two convolutions to 20 channels, 100 units: 19,500 weights and 150 biases for grey images and 10 classes."""

    Config = LenetSbcubeConfig
    smallest = 14

    @classmethod
    def dropout_sites(cls, config: LenetSbcubeConfig) -> tuple[str, ...]:
        return ("pool1", "flatten", "relu3")

    @classmethod
    def network(cls, config: LenetSbcubeConfig, input_shape: tuple[int, ...], outputs: int) -> nn.Module:
        channels, *sides = input_shape
        maps, units = map(config.scaled, (20, 100))
        height, width = (side // 2 // 7 for side in sides)
        layers = OrderedDict[str, nn.Module](
            conv1=nn.Conv2d(channels, maps, 5, padding=2),
            relu1=nn.ReLU(),
            pool1=MaxPool2(),
            conv2=nn.Conv2d(maps, maps, 5, padding=2),
            relu2=nn.ReLU(),
            pool2=nn.MaxPool2d(7),
            flatten=nn.Flatten(),
            linear1=nn.Linear(maps * height * width, units),
            relu3=nn.ReLU(),
            linear2=nn.Linear(units, outputs),
        )
        return nn.Sequential(layers)

"""The LeNet-5 of the notebook on lottery tickets at different scales: tanh, mean pooling, three convolutions.

Source: ChenDaiwei-99/lottery-ticket-hypothesis-different-scale.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Literal

from torch import nn

from sparsetune.models.contract import ModelConfig
from sparsetune.models.stem import ImageModel


class Lenet5TanhConfig(ModelConfig):
    """This LeNet-5 has the common settings only."""

    name: Literal["lenet5_tanh"] = "lenet5_tanh"


class Lenet5Tanh(ImageModel):
    """Convolutions of 4x4 to 6, 16 and 120 channels, 84 units: 43,508 parameters for 28x28 and 10 classes."""

    Config = Lenet5TanhConfig
    smallest = 25

    @classmethod
    def dropout_sites(cls, config: Lenet5TanhConfig) -> tuple[str, ...]:
        return ("pool1", "pool2", "flatten", "tanh4")

    @classmethod
    def network(cls, config: Lenet5TanhConfig, input_shape: tuple[int, ...], outputs: int) -> nn.Module:
        channels, *sides = input_shape
        maps1, maps2, maps3, units = map(config.scaled, (6, 16, 120, 84))
        height, width = (((side - 3) // 2 - 3) // 2 - 3 for side in sides)  # 1x1 for images of 28x28
        layers = OrderedDict[str, nn.Module](
            conv1=nn.Conv2d(channels, maps1, 4),
            tanh1=nn.Tanh(),
            pool1=nn.AvgPool2d(2),
            conv2=nn.Conv2d(maps1, maps2, 4),
            tanh2=nn.Tanh(),
            pool2=nn.AvgPool2d(2),
            conv3=nn.Conv2d(maps2, maps3, 4),
            tanh3=nn.Tanh(),
            flatten=nn.Flatten(),
            linear1=nn.Linear(maps3 * height * width, units),
            tanh4=nn.Tanh(),
            linear2=nn.Linear(units, outputs),
        )
        return nn.Sequential(layers)

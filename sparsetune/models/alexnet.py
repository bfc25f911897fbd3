"""AlexNet: torchvision's from 63 pixels on, below that with a first convolution for small images.

Sources: A. Krizhevsky, One Weird Trick for Parallelizing Convolutional Neural Networks (2014); for
small images rahulvigneswaran/Lottery-Ticket-Hypothesis-in-Pytorch.
Names of parameters are torchvision's.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Literal

from torch import nn

from sparsetune.models.contract import ModelConfig
from sparsetune.models.stem import ImageModel

LARGE = 63  # the smallest side that the large stem takes


class AlexNetConfig(ModelConfig):
    """AlexNet has the common settings only."""

    name: Literal["alexnet"] = "alexnet"


class AlexNet(ImageModel):
    """Five convolutions, three linear layers: 61,100,840 parameters for colour images and 1,000 classes."""

    Config = AlexNetConfig
    smallest = 27
    torchvision = "alexnet"

    @classmethod
    def dropout_sites(cls, config: AlexNetConfig) -> tuple[str, ...]:
        return ("features.2", "features.5", "flatten", "classifier.2", "classifier.5")

    @classmethod
    def network(cls, config: AlexNetConfig, input_shape: tuple[int, ...], outputs: int) -> nn.Module:
        channels, *sides = input_shape
        maps = [config.scaled(each) for each in (64, 192, 384, 256, 256)]
        units = config.scaled(4096)
        kernel, stride = (11, 4) if min(sides) >= LARGE else (3, 2)
        features = nn.Sequential(
            nn.Conv2d(channels, maps[0], kernel, stride=stride, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(maps[0], maps[1], 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(maps[1], maps[2], 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(maps[2], maps[3], 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(maps[3], maps[4], 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
        )
        classifier = nn.Sequential(
            nn.Dropout(0.5),
            nn.Linear(36 * maps[4], units),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(units, units),
            nn.ReLU(),
            nn.Linear(units, outputs),
        )
        parts = OrderedDict[str, nn.Module](features=features, avgpool=nn.AdaptiveAvgPool2d(6), flatten=nn.Flatten())
        return nn.Sequential(OrderedDict(parts, classifier=classifier))

"""VGG-16: with BatchNorm and a small classifier for CIFAR, or torchvision's without.

Sources: K. Simonyan, A. Zisserman (2015), configuration D; L0-and-behold/efficient-compression (with BatchNorm). Names
of parameters and the first draw of weights are torchvision's. Five poolings leave nothing of 28x28: where a side is
below 32 the last one is left out (in its place stands an identity), so that the last stage sees 1x1 and the counts
stay those of 32x32.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Literal

from torch import nn

from sparsetune.config.base import param
from sparsetune.models.contract import ModelConfig
from sparsetune.models.layers import MaxPool2, layers
from sparsetune.models.stem import ImageModel

STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))  # channels, convolutions


class Vgg16Config(ModelConfig):
    """Settings of VGG-16."""

    name: Literal["vgg16"] = "vgg16"
    batch_norm: bool = param(
        True, "true: BatchNorm, then 512-512-classes with dropout 0.4; false: 7x7 mean pooling, 4096-4096-classes, 0.5"
    )


class Vgg16(ImageModel):
    """13 convolutions of 3x3, 3 linear layers: 15,253,578 parameters with BatchNorm for 3x32x32 and 10 classes."""

    Config = Vgg16Config
    smallest = 16

    @classmethod
    def pretrained(cls, config: Vgg16Config) -> str | None:
        return None if config.batch_norm else "vgg16"

    @classmethod
    def batch_norm(cls, config: Vgg16Config) -> bool:
        return config.batch_norm

    @classmethod
    def dropout_sites(cls, config: Vgg16Config) -> tuple[str, ...]:
        """After each pooling and each hidden linear layer."""
        per_convolution = 3 if config.batch_norm else 2
        pools, position = [], -1
        for _, convolutions in STAGES:
            position += per_convolution * convolutions + 1
            pools.append(f"features.{position}")
        return (*pools, "classifier.1", "classifier.4")

    @classmethod
    def network(cls, config: Vgg16Config, input_shape: tuple[int, ...], outputs: int) -> nn.Module:
        channels, height, width = input_shape
        features: list[nn.Module] = []
        pools = 0
        for stage, (full, convolutions) in enumerate(STAGES, start=1):
            maps = config.scaled(full)
            for _ in range(convolutions):
                features.append(nn.Conv2d(channels, maps, 3, padding=1))
                if config.batch_norm:
                    features.append(nn.BatchNorm2d(maps))
                features.append(nn.ReLU())
                channels = maps
            pools = stage if min(height, width) >= 2**stage else pools
            features.append(MaxPool2() if pools == stage else nn.Identity())
        if config.batch_norm:
            pool: nn.Module = nn.Identity()
            positions, units, dropout = (height >> pools) * (width >> pools), config.scaled(512), 0.4
        else:
            pool = nn.AdaptiveAvgPool2d(7)
            positions, units, dropout = 49, config.scaled(4096), 0.5
        classifier = nn.Sequential(
            nn.Linear(channels * positions, units),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(units, units),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(units, outputs),
        )
        parts = OrderedDict[str, nn.Module](features=nn.Sequential(*features), avgpool=pool, flatten=nn.Flatten())
        network = nn.Sequential(OrderedDict(parts, classifier=classifier))
        for layer in layers(network):  # drawn as torchvision does
            if layer.weight.ndim == 4:
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            else:
                nn.init.normal_(layer.weight, 0, 0.01)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        return network

"""Conv-2, -4, -6 and -8: pairs of convolutions with pooling, then 256-256-classes, without BatchNorm.

Sources: J. Frankle, M. Carbin (2019), figure 2; V. Ramanujan et al. (2020) for Conv-8. On 28x28 Conv-2 is what
rahulvigneswaran/Lottery-Ticket-Hypothesis-in-Pytorch calls LeNet5: 12544-256-256-10.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, ClassVar, Literal

from torch import nn

from sparsetune.models.contract import ModelConfig
from sparsetune.models.layers import MaxPool2
from sparsetune.models.stem import ImageModel


class Conv2Config(ModelConfig):
    """Conv-2 has the common settings only."""

    name: Literal["conv2"] = "conv2"


class Conv4Config(ModelConfig):
    """Conv-4 has the common settings only."""

    name: Literal["conv4"] = "conv4"


class Conv6Config(ModelConfig):
    """Conv-6 has the common settings only."""

    name: Literal["conv6"] = "conv6"


class Conv8Config(ModelConfig):
    """Conv-8 has the common settings only."""

    name: Literal["conv8"] = "conv8"


class PlainConv(ImageModel):
    """[3x3 convolution -> ReLU] x 2 -> pooling for each pair, of 64, 128, 256, 512 channels; then three linear."""

    pairs: ClassVar[int]

    @classmethod
    def dropout_sites(cls, config: Any) -> tuple[str, ...]:
        pools = (f"pool{pair}" for pair in range(1, cls.pairs))
        return (*pools, "flatten", *(f"relu{2 * cls.pairs + number}" for number in (1, 2)))

    @classmethod
    def network(cls, config: Any, input_shape: tuple[int, ...], outputs: int) -> nn.Module:
        inputs, height, width = input_shape
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for pair in range(cls.pairs):
            maps = config.scaled(64 << pair)
            for number in (2 * pair + 1, 2 * pair + 2):
                layers[f"conv{number}"] = nn.Conv2d(inputs, maps, 3, padding=1)
                layers[f"relu{number}"] = nn.ReLU()
                inputs = maps
            layers[f"pool{pair + 1}"] = MaxPool2()
            height, width = height // 2, width // 2
        layers["flatten"] = nn.Flatten()
        units = config.scaled(256)
        for number, width_before in enumerate((inputs * height * width, units), start=1):
            layers[f"linear{number}"] = nn.Linear(width_before, units)
            layers[f"relu{2 * cls.pairs + number}"] = nn.ReLU()
        layers["linear3"] = nn.Linear(units, outputs)
        return nn.Sequential(layers)


class Conv2(PlainConv):
    """4,301,642 parameters for colour images of 32x32 and 10 classes."""

    Config = Conv2Config
    pairs = 1
    smallest = 2**pairs


class Conv4(PlainConv):
    """2,425,930 parameters for colour images of 32x32 and 10 classes."""

    Config = Conv4Config
    pairs = 2
    smallest = 2**pairs


class Conv6(PlainConv):
    """2,262,602 parameters for colour images of 32x32 and 10 classes."""

    Config = Conv6Config
    pairs = 3
    smallest = 2**pairs


class Conv8(PlainConv):
    """5,278,282 parameters for colour images of 32x32 and 10 classes."""

    Config = Conv8Config
    pairs = 4
    smallest = 2**pairs

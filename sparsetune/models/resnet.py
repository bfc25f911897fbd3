"""ResNet-18 and -50 for images of any size, ResNet-20 for CIFAR.

Source: K. He et al., Deep Residual Learning for Image Recognition (2016), table 1 and section 4.2.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, ClassVar, Literal

from torch import Tensor, nn
from torch.nn.functional import pad

from sparsetune.models.contract import ModelConfig
from sparsetune.models.stem import ImageModel, StemConfig


class ResNet18Config(StemConfig):
    """Settings of ResNet-18."""

    name: Literal["resnet18"] = "resnet18"


class ResNet50Config(StemConfig):
    """Settings of ResNet-50."""

    name: Literal["resnet50"] = "resnet50"


class ResNet20Config(ModelConfig):
    """ResNet-20 has the common settings only."""

    name: Literal["resnet20"] = "resnet20"


class BasicBlock(nn.Module):
    """relu(3x3 -> BatchNorm -> relu -> 3x3 -> BatchNorm, plus the shortcut).

    Channels that the shortcut lacks are zeros, half of them before and half behind (option A).
    """

    expansion = 1
    pads_evenly = True

    def __init__(self, inputs: int, width: int, outputs: int, stride: int, shortcut: nn.Module | None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2d(width, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = shortcut

    def forward(self, inputs: Tensor) -> Tensor:
        hidden = self.relu(self.bn1(self.conv1(inputs)))
        outputs: Tensor = self.bn2(self.conv2(hidden))
        added = inputs if self.downsample is None else self.downsample(inputs)
        return self.relu(outputs + widened(added, outputs.shape[1]))  # type: ignore[no-any-return]


class Bottleneck(nn.Module):
    """relu(1x1 -> 3x3 -> 1x1 to four times the width, each with BatchNorm, plus the shortcut)."""

    expansion = 4

    def __init__(self, inputs: int, width: int, outputs: int, stride: int, shortcut: nn.Module | None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU()
        self.downsample = shortcut

    def forward(self, inputs: Tensor) -> Tensor:
        hidden = self.relu(self.bn1(self.conv1(inputs)))
        hidden = self.relu(self.bn2(self.conv2(hidden)))
        added = inputs if self.downsample is None else self.downsample(inputs)
        outputs: Tensor = self.relu(self.bn3(self.conv3(hidden)) + added)
        return outputs


def widened(inputs: Tensor, channels: int) -> Tensor:
    """(N, C, H, W) with zeros for the channels that are missing, half of them before and half behind."""
    missing = channels - inputs.shape[1]
    return pad(inputs, (0, 0, 0, 0, missing // 2, missing - missing // 2)) if missing else inputs


class StridedShortcut(nn.Module):
    """Option A: every ``stride``-th pixel; channels are added where the block adds it up; no parameters."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs[..., :: self.stride, :: self.stride]


class Projection(nn.Sequential):
    """Option B: a 1x1 convolution with BatchNorm."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__(nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs))


class _ResNet(ImageModel):
    """Parameters have torchvision's names, and a bottleneck its stride at the 3x3 convolution; torchvision's own class
    knows neither widths nor the stem for small images. A stage halves the sides and doubles the width of the one
    before.
    """

    block: ClassVar[type[BasicBlock] | type[Bottleneck]] = BasicBlock
    blocks: ClassVar[tuple[int, ...]]  # of each stage
    width: ClassVar[int]  # of the first stage, before it is scaled
    shortcut: ClassVar[type[Projection] | type[StridedShortcut]] = Projection  # where a block changes widths or sides

    @classmethod
    def batch_norm(cls, config: Any) -> bool:
        return True

    @classmethod
    def dropout_sites(cls, config: Any) -> tuple[str, ...]:
        """After each block."""
        return tuple(f"layer{stage}.{block}" for stage, n in enumerate(cls.blocks, start=1) for block in range(n))

    @classmethod
    def network(cls, config: Any, input_shape: tuple[int, ...], outputs: int) -> nn.Module:
        inputs = config.scaled(cls.width)
        keeps_sides = not isinstance(config, StemConfig) or config.keeps_sides(input_shape)
        kernel, stride = (3, 1) if keeps_sides else (7, 2)
        first = nn.Conv2d(input_shape[0], inputs, kernel, stride=stride, padding=kernel // 2, bias=False)
        named: OrderedDict[str, nn.Module] = OrderedDict(conv1=first, bn1=nn.BatchNorm2d(inputs), relu=nn.ReLU())
        named["maxpool"] = nn.Identity() if keeps_sides else nn.MaxPool2d(3, stride=2, padding=1)
        for stage, count in enumerate(cls.blocks):
            inner, outer = (config.scaled((cls.width << stage) * factor) for factor in (1, cls.block.expansion))
            stages: list[nn.Module] = []
            for number in range(count):
                stride = 2 if number == 0 and stage > 0 else 1
                shortcut = cls.shortcut(inputs, outer, stride) if stride > 1 or inputs != outer else None
                stages.append(cls.block(inputs, inner, outer, stride, shortcut))
                inputs = outer
            named[f"layer{stage + 1}"] = nn.Sequential(*stages)
        named["avgpool"], named["flatten"] = nn.AdaptiveAvgPool2d(1), nn.Flatten()
        named["fc"] = nn.Linear(inputs, outputs)
        network = nn.Sequential(named)
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")  # as torchvision does
        return network


class ResNet18(_ResNet):
    """Eight blocks of two convolutions: 11,689,512 parameters with ImageNet's stem and 1,000 classes."""

    Config: ClassVar[type[ModelConfig]] = ResNet18Config
    torchvision = "resnet18"
    blocks = (2, 2, 2, 2)
    width = 64


class ResNet50(ResNet18):
    """16 bottlenecks: 25,557,032 parameters with ImageNet's stem and 1,000 classes."""

    Config = ResNet50Config
    torchvision = "resnet50"
    block = Bottleneck
    blocks = (3, 4, 6, 3)


class ResNet20(_ResNet):
    """Nine blocks of 16, 32, 64 channels, shortcuts without parameters: 269,722 for colour images and 10 classes."""

    Config = ResNet20Config
    blocks = (3, 3, 3)
    width = 16
    shortcut = StridedShortcut

"""Residual blocks, and networks of them whose parameters have torchvision's names.

Source: K. He et al., Deep Residual Learning for Image Recognition (2016); stride at the 3x3 convolution of a
bottleneck as in torchvision. torchvision's own class knows neither widths nor the stem for small images.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence

from torch import Tensor, nn
from torch.nn.functional import pad


class BasicBlock(nn.Module):
    """relu(3x3 -> BatchNorm -> relu -> 3x3 -> BatchNorm, plus the shortcut)."""

    expansion = 1

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
        added = inputs if self.downsample is None else self.downsample(inputs)
        outputs: Tensor = self.relu(self.bn2(self.conv2(hidden)) + added)
        return outputs


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


class PaddedShortcut(nn.Module):
    """Option A: every ``stride``-th pixel, new channels of zeros half before and half behind; no parameters."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.before = (outputs - inputs) // 2
        self.behind = outputs - inputs - self.before

    def forward(self, inputs: Tensor) -> Tensor:
        kept = inputs[..., :: self.stride, :: self.stride]
        return pad(kept, (0, 0, 0, 0, self.before, self.behind))


def projection(inputs: int, outputs: int, stride: int) -> nn.Module:
    """Option B: a 1x1 convolution with BatchNorm."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs))


def residual_network(
    channels: int,
    outputs: int,
    *,
    block: type[BasicBlock] | type[Bottleneck],
    blocks: Sequence[int],
    width: int,
    scaled: Callable[[int], int],
    keeps_sides: bool,
    shortcut: Callable[[int, int, int], nn.Module] = projection,
) -> nn.Sequential:
    """From (N, channels, H, W) to (N, outputs).

    Args:
        blocks: of each stage; a stage halves the sides and doubles the width of the one before.
        width: of the first stage, before ``scaled``.
        keeps_sides: CIFAR's stem rather than ImageNet's (see ``stem.py``).
        shortcut: makes the module for (inputs, outputs, stride) where a block changes either.
    """
    inputs = scaled(width)
    kernel, stride = (3, 1) if keeps_sides else (7, 2)
    first = nn.Conv2d(channels, inputs, kernel, stride=stride, padding=kernel // 2, bias=False)
    named: OrderedDict[str, nn.Module] = OrderedDict(conv1=first, bn1=nn.BatchNorm2d(inputs), relu=nn.ReLU())
    named["maxpool"] = nn.Identity() if keeps_sides else nn.MaxPool2d(3, stride=2, padding=1)
    for stage, count in enumerate(blocks):
        inner, outer = scaled(width << stage), scaled((width << stage) * block.expansion)
        stages: list[nn.Module] = []
        for number in range(count):
            stride = 2 if number == 0 and stage > 0 else 1
            changes = stride > 1 or inputs != outer
            stages.append(block(inputs, inner, outer, stride, shortcut(inputs, outer, stride) if changes else None))
            inputs = outer
        named[f"layer{stage + 1}"] = nn.Sequential(*stages)
    named["avgpool"], named["flatten"] = nn.AdaptiveAvgPool2d(1), nn.Flatten()
    named["fc"] = nn.Linear(inputs, outputs)
    network = nn.Sequential(named)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")  # as torchvision does
    return network

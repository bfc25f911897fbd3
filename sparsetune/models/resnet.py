"""ResNet-18 and -50 for images of any size, ResNet-20 for CIFAR.

Source: K. He et al., Deep Residual Learning for Image Recognition (2016), table 1 and section 4.2.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from torch import nn

from sparsetune.models.contract import ModelConfig
from sparsetune.models.residual import BasicBlock, Bottleneck, PaddedShortcut, residual_network
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


class _ResNet(ImageModel):
    blocks: ClassVar[tuple[int, ...]]

    @classmethod
    def batch_norm(cls, config: Any) -> bool:
        return True

    @classmethod
    def dropout_sites(cls, config: Any) -> tuple[str, ...]:
        """After each block."""
        return tuple(f"layer{stage}.{block}" for stage, n in enumerate(cls.blocks, start=1) for block in range(n))


class ResNet18(_ResNet):
    """Eight blocks of two convolutions: 11,689,512 parameters with ImageNet's stem and 1,000 classes."""

    Config: ClassVar[type[StemConfig]] = ResNet18Config
    torchvision = "resnet18"
    blocks = (2, 2, 2, 2)
    block: ClassVar[type[BasicBlock] | type[Bottleneck]] = BasicBlock

    @classmethod
    def network(cls, config: StemConfig, input_shape: tuple[int, ...], outputs: int) -> nn.Module:
        return residual_network(
            input_shape[0],
            outputs,
            block=cls.block,
            blocks=cls.blocks,
            width=64,
            scaled=config.scaled,
            keeps_sides=config.keeps_sides(input_shape),
        )


class ResNet50(ResNet18):
    """16 bottlenecks: 25,557,032 parameters with ImageNet's stem and 1,000 classes."""

    Config = ResNet50Config
    torchvision = "resnet50"
    blocks = (3, 4, 6, 3)
    block = Bottleneck


class ResNet20(_ResNet):
    """Nine blocks of 16, 32, 64 channels, shortcuts without parameters: 269,722 for colour images and 10 classes."""

    Config = ResNet20Config
    blocks = (3, 3, 3)

    @classmethod
    def network(cls, config: ResNet20Config, input_shape: tuple[int, ...], outputs: int) -> nn.Module:
        return residual_network(
            input_shape[0],
            outputs,
            block=BasicBlock,
            blocks=cls.blocks,
            width=16,
            scaled=config.scaled,
            keeps_sides=True,
            shortcut=PaddedShortcut,
        )

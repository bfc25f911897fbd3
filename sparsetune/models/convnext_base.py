"""ConvNeXt-Base, torchvision's, for images from 32 pixels on.

Source: Z. Liu et al., A ConvNet for the 2020s (2022).
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

from torch import nn

from sparsetune.models.contract import ModelConfig
from sparsetune.models.stem import ImageModel, patch_layer

WIDTHS, BLOCKS = (128, 256, 512, 1024), (3, 3, 27, 3)


class ConvNextBaseConfig(ModelConfig):
    """ConvNeXt-Base has the common settings only; inside a block it is four times as wide as between blocks."""

    name: Literal["convnext_base"] = "convnext_base"


class ConvNextBase(ImageModel):
    """36 blocks with stochastic depth up to 0.5: 88,591,464 parameters for colour images and 1,000 classes."""

    Config = ConvNextBaseConfig
    smallest = 32
    torchvision = "convnext_base"

    @classmethod
    def dropout_sites(cls, config: ConvNextBaseConfig) -> tuple[str, ...]:
        """After each block."""
        return tuple(f"features.{2 * stage + 1}.{block}" for stage, n in enumerate(BLOCKS) for block in range(n))

    @classmethod
    def network(cls, config: ConvNextBaseConfig, input_shape: tuple[int, ...], outputs: int) -> nn.Module:
        from torchvision.models.convnext import CNBlockConfig, ConvNeXt

        widths = [*map(config.scaled, WIDTHS), None]
        stages = [CNBlockConfig(here, after, n) for (here, after), n in zip(pairwise(widths), BLOCKS, strict=True)]
        network: nn.Module = ConvNeXt(stages, stochastic_depth_prob=0.5, num_classes=outputs)
        stem = network.get_submodule("features.0")
        assert isinstance(stem, nn.Sequential)
        first = stem[0]
        assert isinstance(first, nn.Conv2d)
        if input_shape[0] != first.in_channels:
            stem[0] = patch_layer(input_shape[0], first.out_channels, 4, std=0.02)
        return network

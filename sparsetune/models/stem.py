"""How a network for photographs begins: ImageNet's way quarters the sides at once, CIFAR's keeps them."""

from __future__ import annotations

from typing import Literal

from sparsetune.config.base import param
from sparsetune.models.contract import ModelConfig

LARGE = 64  # the smallest side for which auto means imagenet


class StemConfig(ModelConfig):
    """Settings of networks with a stem."""

    stem: Literal["auto", "cifar", "imagenet"] = param(
        "auto",
        "imagenet: 7x7 convolution with stride 2, then max pooling; cifar: 3x3 with stride 1; auto: cifar where a side "
        f"is below {LARGE} pixels",
    )

    def keeps_sides(self, input_shape: tuple[int, ...]) -> bool:
        """Whether images of that shape, (channels, height, width), get CIFAR's stem."""
        return self.stem == "cifar" or (self.stem == "auto" and min(input_shape[1:]) < LARGE)

"""How a network of images begins: what it takes, and its first layer.

ImageNet's way quarters the sides at once, CIFAR's keeps them; others cut an image into patches.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from torch import nn

from sparsetune.base.errors import BadInput
from sparsetune.config.base import param
from sparsetune.models.contract import Model, ModelConfig

LARGE = 64  # the smallest side for which auto means imagenet


def misfit(model: str, wanted: str, input_shape: tuple[int, ...]) -> BadInput:
    """The error for samples that a model cannot take."""
    samples = f"samples of shape {'x'.join(map(str, input_shape))}"
    if len(input_shape) != 3:
        samples += ", which are no images; a model such as mlp takes them"
    return BadInput(f"{model!r} wants {wanted}; found {samples}", key="model.name", code="conflict")


def check_images(model: str, input_shape: tuple[int, ...], smallest: int = 1) -> None:
    """Raise :class:`BadInput` unless samples are (channels, height, width), both sides at least ``smallest`` pixels."""
    if len(input_shape) != 3 or min(input_shape[1:]) < smallest:
        raise misfit(model, f"images of at least {smallest}x{smallest} pixels", input_shape)


class ImageModel(Model):
    """Base of models that take images from one size on."""

    smallest: ClassVar[int] = 1  # side in pixels

    @classmethod
    def fits(cls, config: Any, input_shape: tuple[int, ...]) -> None:
        check_images(config.name, input_shape, cls.smallest)


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


def patch_layer(channels: int, width: int, side: int, std: float) -> nn.Conv2d:
    """A convolution from (N, channels, H, W) to (N, width, H / side, W / side), drawn as torchvision's are: a normal
    distribution of deviation ``std`` cut off at 2, biases 0. torchvision's own takes three channels only.
    """
    layer = nn.Conv2d(channels, width, side, stride=side)
    nn.init.trunc_normal_(layer.weight, std=std)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer

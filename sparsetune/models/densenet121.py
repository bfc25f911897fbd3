"""DenseNet-121, torchvision's, with a stem for small images.

Source: G. Huang et al., Densely Connected Convolutional Networks (2017).
"""

from __future__ import annotations

from typing import Literal

from torch import nn

from sparsetune.models.stem import ImageModel, StemConfig, check_images

BLOCKS = (6, 12, 24, 16)


class DenseNet121Config(StemConfig):
    """Settings of DenseNet-121; growth and first width are scaled, all other widths follow from them."""

    name: Literal["densenet121"] = "densenet121"


class DenseNet121(ImageModel):
    """58 dense layers in four blocks: 7,978,856 parameters with ImageNet's stem and 1,000 classes."""

    Config = DenseNet121Config
    torchvision = "densenet121"
    old_names = {r"(denselayer\d+\.(?:norm|relu|conv))\.([12])\.": r"\1\2."}

    @classmethod
    def fits(cls, config: DenseNet121Config, input_shape: tuple[int, ...]) -> None:
        super().fits(config, input_shape)
        check_images(config.name, input_shape, smallest=8 if config.keeps_sides(input_shape) else 29)

    @classmethod
    def batch_norm(cls, config: DenseNet121Config) -> bool:
        return True

    @classmethod
    def dropout_sites(cls, config: DenseNet121Config) -> tuple[str, ...]:
        """After each dense block."""
        return tuple(f"features.denseblock{number}" for number, _ in enumerate(BLOCKS, start=1))

    @classmethod
    def network(cls, config: DenseNet121Config, input_shape: tuple[int, ...], outputs: int) -> nn.Module:
        from torchvision.models import DenseNet

        first = config.scaled(64)
        network: nn.Module = DenseNet(config.scaled(32), BLOCKS, first, num_classes=outputs)
        features, channels = network.features, input_shape[0]
        assert isinstance(features, nn.Sequential)
        if config.keeps_sides(input_shape):
            features.conv0 = nn.Conv2d(channels, first, 3, padding=1, bias=False)
            features.pool0 = nn.Identity()
        else:
            features.conv0 = nn.Conv2d(channels, first, 7, stride=2, padding=3, bias=False)
        nn.init.kaiming_normal_(features.conv0.weight)
        return network

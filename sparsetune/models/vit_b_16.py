"""ViT-B/16, torchvision's, for square images whose side is a multiple of 16.

Source: A. Dosovitskiy et al., An Image is Worth 16x16 Words (2021).
"""

from __future__ import annotations

import math
from typing import Literal

from torch import nn

from sparsetune.models.contract import Model, ModelConfig
from sparsetune.models.stem import misfit, patch_layer

PATCH, LAYERS, HEADS = 16, 12, 12


class VitB16Config(ModelConfig):
    """ViT-B/16 has the common settings only; its width is rounded down to a multiple of its 12 heads."""

    name: Literal["vit_b_16"] = "vit_b_16"


class VitB16(Model):
    """12 layers of width 768: 86,567,656 parameters for colour images of 224x224 and 1,000 classes."""

    Config = VitB16Config
    torchvision = "vit_b_16"
    old_names = {r"\.mlp\.linear_1\.": ".mlp.0.", r"\.mlp\.linear_2\.": ".mlp.3."}

    @classmethod
    def fits(cls, config: VitB16Config, input_shape: tuple[int, ...]) -> None:
        if len(input_shape) != 3 or input_shape[1] != input_shape[2] or input_shape[1] % PATCH:
            raise misfit("vit_b_16", f"square images whose side is a multiple of {PATCH} pixels", input_shape)

    @classmethod
    def dropout_sites(cls, config: VitB16Config) -> tuple[str, ...]:
        """After each layer of the encoder."""
        return tuple(f"encoder.layers.encoder_layer_{number}" for number in range(LAYERS))

    @classmethod
    def network(cls, config: VitB16Config, input_shape: tuple[int, ...], outputs: int) -> nn.Module:
        from torchvision.models import VisionTransformer

        channels, side, _ = input_shape
        network: nn.Module = VisionTransformer(
            image_size=side,
            patch_size=PATCH,
            num_layers=LAYERS,
            num_heads=HEADS,
            hidden_dim=max(HEADS, config.scaled(768) // HEADS * HEADS),
            mlp_dim=config.scaled(3072),
            num_classes=outputs,
        )
        assert isinstance(network.conv_proj, nn.Conv2d)
        if channels != network.conv_proj.in_channels:
            std = math.sqrt(1 / (channels * PATCH**2))
            network.conv_proj = patch_layer(channels, network.conv_proj.out_channels, PATCH, std)
        head = network.get_submodule("heads.head")
        assert isinstance(head, nn.Linear)
        head.reset_parameters()  # torchvision's zeros let no gradient through, and have no signs
        return network

"""Fashion-MNIST: 28x28 grey images of clothes, a harder stand-in for MNIST.

Source: H. Xiao, K. Rasul, R. Vollgraf, Fashion-MNIST (arXiv 1708.07747, 2017).
Files:  <root>/FashionMNIST/raw/train-images-idx3-ubyte and three more, raw or .gz, as torchvision leaves them.
Splits: 55,000 / 5,000 / 10,000, the same positions as MNIST's.
"""

from __future__ import annotations

from typing import Literal

from sparsetune.data.idx_images import IdxConfig, IdxImages


class FashionMnistConfig(IdxConfig):
    """Settings of Fashion-MNIST."""

    name: Literal["fashionmnist"] = "fashionmnist"


class FashionMnist(IdxImages):
    """55,000 / 5,000 / 10,000 images of clothes."""

    Config = FashionMnistConfig
    folder = "FashionMNIST"
    names = (
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"
    )  # fmt: skip

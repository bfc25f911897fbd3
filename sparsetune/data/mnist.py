"""MNIST: 28x28 handwritten digits.

Source: Y. LeCun, C. Cortes, C. Burges, The MNIST database of handwritten digits (1998).
Files:  <root>/MNIST/raw/train-images-idx3-ubyte and three more, raw or .gz, as torchvision leaves them.
Splits: 55,000 / 5,000 / 10,000; validation is drawn from the 60,000 training images, test is the database's own.
"""

from __future__ import annotations

from typing import Literal

from sparsetune.data.idx_images import IdxConfig, IdxImages


class MnistConfig(IdxConfig):
    """Settings of MNIST."""

    name: Literal["mnist"] = "mnist"


class Mnist(IdxImages):
    """55,000 / 5,000 / 10,000 images of handwritten digits."""

    Config = MnistConfig
    folder = "MNIST"
    names = tuple("0123456789")

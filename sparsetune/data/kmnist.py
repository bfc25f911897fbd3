"""Kuzushiji-MNIST: 28x28 cursive Japanese characters.

Source: T. Clanuwat et al., Deep Learning for Classical Japanese Literature (arXiv 1812.01718, 2018).
Files:  <root>/KMNIST/raw/train-images-idx3-ubyte and three more, raw or .gz, as torchvision leaves them.
Splits: 55,000 / 5,000 / 10,000, the same positions as MNIST's.
"""

from __future__ import annotations

from typing import Literal

from sparsetune.data.idx_images import IdxConfig, IdxImages


class KmnistConfig(IdxConfig):
    """Settings of Kuzushiji-MNIST."""

    name: Literal["kmnist"] = "kmnist"


class Kmnist(IdxImages):
    """55,000 / 5,000 / 10,000 images of cursive Japanese characters."""

    Config = KmnistConfig
    folder = "KMNIST"
    names = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")

"""The 8x8 digits that ship with scikit-learn: real data that needs no download.

Source: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits (UCI, 1998), its test part: 1,797 images of
        17 grey levels.
Splits: 60 / 20 / 20 %, stratified by class.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from sparsetune.config.base import Part, param
from sparsetune.config.registry import Registries
from sparsetune.config.trial import TrialConfig
from sparsetune.training.data.dataset import Dataset, grey_images

HELD_OUT = 359  # images of the validation split, and of the test split: 20 % each


class DigitsConfig(Part):
    """Settings of digits."""

    name: Literal["digits"] = "digits"
    seed: int = param(0, "fixes the split", ge=0, lt=2**32)


class Digits:
    """1,079 / 359 / 359 images of handwritten digits."""

    Config = DigitsConfig
    input_shape = (1, 8, 8)
    classes = 10
    train_samples = 1_079

    @classmethod
    def check(cls, config: TrialConfig, registries: Registries) -> None:
        """Goes with everything."""

    @classmethod
    def locate(cls, config: DigitsConfig, project_root: Path) -> DigitsConfig:
        """The config as it is: there are no files to find."""
        return config

    @classmethod
    def load(cls, config: DigitsConfig) -> Dataset:
        """Inputs (N, 1, 8, 8) of float32, targets (N,) of int64, on the CPU."""
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split

        images, labels = load_digits().images.astype(np.uint8), load_digits().target
        rest, test = train_test_split(
            np.arange(len(labels)), test_size=HELD_OUT, stratify=labels, random_state=config.seed
        )
        train, val = train_test_split(rest, test_size=HELD_OUT, stratify=labels[rest], random_state=config.seed)
        return grey_images([(images[part], labels[part]) for part in (train, val, test)], cls.classes)

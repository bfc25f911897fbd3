"""The 8x8 digits that ship with scikit-learn: real data that needs no download.

Source: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits (UCI, 1998), its test part: 1,797 images of
        17 grey levels.
Splits: 60 / 20 / 20 %, stratified by class.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np

from sparsetune.config.base import Part, param
from sparsetune.config.registry import Registries
from sparsetune.config.trial import TrialConfig
from sparsetune.training.data.dataset import Bytes, Dataset, grey_images
from sparsetune.training.data.stratified import stratified_split

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
        images, labels = _read()
        rest, test = stratified_split(labels, HELD_OUT, config.seed)
        train, val = stratified_split(labels[rest], HELD_OUT, config.seed)
        return grey_images([(images[part], labels[part]) for part in (rest[train], rest[val], test)], cls.classes)


def _read() -> tuple[Bytes, Bytes]:
    """All images (1797, 8, 8) and labels (1797,), from scikit-learn's file: importing the package takes a second."""
    package = find_spec("sklearn")
    assert package is not None
    assert package.origin is not None
    rows = np.loadtxt(Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz", np.uint8, delimiter=",")
    return rows[:, :-1].reshape(-1, 8, 8), rows[:, -1]

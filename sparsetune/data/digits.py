"""The 8x8 digits that ship with scikit-learn: real data that needs no download.

Source: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits (UCI, 1998), its test part: 1,797 images of
        17 grey levels.
Splits: 60 / 20 / 20 %, stratified by class.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import StrictInt

from sparsetune.config.base import param
from sparsetune.data.contract import DataSet, OnePoolConfig, Outline
from sparsetune.data.images.resize import resized
from sparsetune.data.pools import Array, Pools, Samples

SAMPLES = 1_797


class DigitsConfig(OnePoolConfig):
    """Settings of digits."""

    name: Literal["digits"] = "digits"
    val_size: StrictInt | float = param(
        359, "samples held out for validation: a count, or below 1 a fraction of all", gt=0
    )
    test_size: StrictInt | float = param(359, "samples held out for the test: a count, or below 1 a fraction", gt=0)
    resize: int | None = param(None, "side of the images, such as 28; else 8", unit="pixels", ge=8, le=256)


class Digits(DataSet):
    """1,079 / 359 / 359 images of handwritten digits."""

    Config = DigitsConfig

    @classmethod
    def outline(cls, config: DigitsConfig) -> Outline:
        side = config.resize or 8
        return Outline((1, side, side), outputs=10, samples=SAMPLES, has_test=False)

    @classmethod
    def read(cls, config: DigitsConfig) -> Pools:
        """Images (1797, 1, side, side) of values from 0 to 16 (0 to 255 when resized), labels 0 to 9."""
        images, labels = _read()
        if config.resize in (None, 8):
            return Pools(Samples(images, labels), outputs=10, white=16)
        return Pools(Samples(resized(images * np.uint8(15), config.resize), labels), outputs=10, white=240)


@cache  # read for its content, its division and its trainings
def _read() -> tuple[Array, Array]:
    """All images (1797, 1, 8, 8) and labels (1797,), from scikit-learn's file: importing the package takes a second."""
    package = find_spec("sklearn")
    assert package is not None
    assert package.origin is not None
    rows = np.loadtxt(Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz", np.uint8, delimiter=",")
    return np.ascontiguousarray(rows[:, :-1]).reshape(-1, 1, 8, 8), rows[:, -1].astype(np.int64)

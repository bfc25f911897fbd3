"""How pixels that are not bytes become a network's inputs: one scale for all images, taken from those of training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparsetune.config.base import Model
from sparsetune.training.data.depth import words
from sparsetune.training.data.pools import Array

_AT_ONCE = 1 << 24  # values that are looked at together


class Pixels(Model):
    """((value - black) / (white - black) - mean) / deviation.

    Attributes:
        depth: the values' type, as NumPy calls it: ``uint16``.
        black, white: the values of black and of white.
        mean, deviation: by channel, of what lies between 0 (black) and 1 (white).
    """

    depth: str
    black: float
    white: float
    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    def __str__(self) -> str:
        return f"{words(np.dtype(self.depth))}, black {_plain(self.black)}, white {_plain(self.white)}"


def black_and_white(low: float, high: float, whole: bool) -> tuple[float, float]:
    """The scale of values between ``low`` and ``high``.

    Whole numbers are scaled by the bits that the highest one needs, floats within 0 to 1 are left as they are; the
    range itself is the scale where some are below 0, floats above 1, or three quarters of that scale would be unused.
    """
    nominal = float((1 << int(high).bit_length()) - 1) if whole and high > 0 else 1.0
    if low >= 0 and high <= nominal and 4 * (high - low) >= nominal:
        return 0.0, nominal
    return float(low), float(high) if high > low else float(low) + 1.0


def extent(values: Array, rows: Sequence[int] | NDArray[np.int64]) -> tuple[float, float]:
    """The lowest and the highest value in some rows of (N, C, H, W)."""
    order = np.sort(rows)  # a mapped file is read forwards
    chunk = max(1, _AT_ONCE // math.prod(values.shape[1:]))
    parts: list[Any] = [values[order[start : start + chunk]] for start in range(0, len(order), chunk)]
    return min(part.min().item() for part in parts), max(part.max().item() for part in parts)


def _plain(value: float) -> str:
    return f"{value:.0f}" if value.is_integer() else repr(value)

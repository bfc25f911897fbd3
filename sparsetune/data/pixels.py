"""How pixels that are not bytes become a network's inputs: one scale for all images, taken from those of training."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sparsetune.config.base import Model
from sparsetune.data.depth import words
from sparsetune.data.pools import Array


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


def measured(values: Array, rows: NDArray[np.int64], normalize: str) -> Pixels:
    """What scales images (N, C, H, W), by those of the training split alone.

    Args:
        rows: the training split's.
        normalize: as the settings of data sets have it.
    """
    from sparsetune.data.scaling import extent, moments  # with torch, without which tickets can be read

    low, high = extent(values, rows)
    black, white = black_and_white(low, high, whole=values.dtype.kind in "ui")
    mean, deviation = np.zeros(values.shape[1]), np.ones(values.shape[1])
    if normalize == "standard":
        middle, spread = moments(values, rows)
        mean, deviation = (middle - black) / (white - black), np.where(spread == 0, 1, spread / (white - black))
    elif normalize == "none":  # black is 0 while images are changed at random, and then again what it was
        white, mean = black + 1, mean - black
    return Pixels(
        depth=values.dtype.name,
        black=black,
        white=white,
        mean=tuple(mean.tolist()),
        deviation=tuple(deviation.tolist()),
    )


def _plain(value: float) -> str:
    return f"{value:.0f}" if value.is_integer() else repr(value)

"""Where float32 is exact enough, and where numbers stay float64 until their mean is taken off.

Standardised numbers are float32 with an error of up to 2^-24 of a deviation. Of numbers that lie far from 0, such as
times in milliseconds or coordinates, the cast alone can take all that differs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparsetune.data.pools import Array

ENOUGH = 2.0**-18  # of a deviation: four millionths


def float32_holds(values: Array) -> bool:
    """Whether numbers (N,) of float64 may be kept as float32: exactly, or to four millionths of their spread.

    The spread is the median distance from the median, which a single outlier does not widen.
    """
    with np.errstate(under="ignore"):
        error = np.abs(values - values.astype(np.float32)).max()
    if error == 0:
        return True
    return bool(error <= ENOUGH * np.median(np.abs(values - np.median(values))))


def scaling_dtype(mean: Array, std: Array) -> Any:
    """Of the numbers (F,) that scale features: float64 where float32 moves one by more than that of ``std``."""
    with np.errstate(under="ignore", over="ignore"):
        moved = [np.abs(each - each.astype(np.float32)) for each in (mean, std)]
    return np.float32 if all((each <= ENOUGH * std).all() for each in moved) else np.float64


def distinct(values: Array) -> tuple[int, int]:
    """How many different numbers there are, and how many of them float32 tells apart."""
    found: NDArray[Any] = np.unique(values)
    with np.errstate(under="ignore", over="ignore"):
        return len(found), len(np.unique(found.astype(np.float32)))

"""Whether a curve of losses has stopped falling: means of two halves of a window against what is left of smoothing.

Source: L0-and-behold/efficient-compression (break_loop.jl); the smoother is local-linear regression with Epanechnikov's
kernel, its bandwidth that of DiffEqFlux's ``collocate_data``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from sparsetune.sparsity.history import History
from sparsetune.sparsity.session import Session

Vector = np.ndarray[tuple[int], np.dtype[np.float64]]
Matrix = np.ndarray[tuple[int, int], np.dtype[np.float64]]


@dataclass(frozen=True)
class Saturated:
    """The losses of the last ``smoothing_window`` evaluations no longer fall; a rule that ends a stage.

    Attributes:
        smoothing_window: evaluations looked at, at least 4.
        margin: an absolute loss; a larger one is saturated sooner.
        split: whose losses.
    """

    smoothing_window: int
    margin: float = 1e-10
    split: str = "val"

    @property
    def window(self) -> int:
        """There have to be two more than are looked at."""
        return self.smoothing_window + 2

    def __call__(self, history: History, session: Session) -> bool:
        losses = [each.numbers[f"{self.split}_loss"] for each in history.recent]
        return is_saturated(losses, self.smoothing_window, self.margin)


def is_saturated(losses: Sequence[float], window: int, margin: float) -> bool:
    """mean(before) - mean(after) <= the smaller of their deviations + margin; a loss that rises is saturated, too.

    Args:
        losses: the latest last.
        window: of which each half, rounded up, is compared; with fewer than two more losses nothing is saturated.
        margin: an absolute loss.
    """
    half = math.ceil(window / 2)
    if len(losses) < window + 2:
        return False
    before, after = np.array(losses[-2 * half : -half]), np.array(losses[-half:])
    return bool(before.mean() - after.mean() <= min(deviation(before), deviation(after)) + margin)


def deviation(values: Vector) -> float:
    """The standard deviation, with n - 1 below, of (n,) values from their smooth curve, its mean removed."""
    return float(np.std(values - smooth(values), ddof=1))


def smooth(values: Vector) -> Vector:
    """Local-linear regression of (n,) values at 1 ... n; n is at least 2."""
    smoothed: Vector = smoother(len(values)) @ values
    return smoothed


@cache
def smoother(count: int) -> Matrix:
    """(n, n): what values are multiplied by to be smooth.

    At t the weight of i is K(((i - t) / (n - 1)) / h) / h with K(z) = 0.75 (1 - z^2) within [-1, 1].
    """
    width = bandwidth(count)
    at = np.arange(1, count + 1, dtype=np.float64)
    rows = []
    for centre in at:
        distance = at - centre
        scaled = distance / (count - 1) / width
        weights = np.where(np.abs(scaled) <= 1, 0.75 * (1 - scaled**2), 0.0) / width
        design = np.stack([np.ones(count), distance], axis=1)
        weighted = design.T * weights
        rows.append(np.linalg.lstsq(weighted @ design, weighted, rcond=None)[0][0])  # of the line its value here
    return np.array(rows)


def bandwidth(count: int) -> float:
    """Of the kernel, as a share of the curve's length: n^(-1/5) n^(-3/35) (ln n)^(-1/16)."""
    width: float = count ** (-1 / 5) * count ** (-3 / 35) * math.log(count) ** (-1 / 16)
    return width

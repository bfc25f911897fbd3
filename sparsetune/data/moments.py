"""What is known of many values, of which a part is looked at at a time: they may be a mapped file."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparsetune.data.pools import Array

_AT_ONCE = 1 << 24  # values that are looked at together


def moments(values: Array, rows: NDArray[np.int64] | None = None) -> tuple[NDArray[Any], NDArray[Any]]:
    """Mean and (population) standard deviation by channel of pixels (N, C, H, W) or feature of floats (N, F).

    Of bytes by sums of whole numbers: exact, so equal on every machine and for every number of threads. Of others by
    differences from the first sample (of images its first pixel): a constant has deviation 0, and large numbers that
    are alike keep their digits.

    Args:
        rows: which samples count; else all.
    """
    order = np.arange(len(values)) if rows is None else np.sort(rows)  # a mapped file is read forwards
    axes = (0, 2, 3) if values.ndim == 4 else (0,)
    whole = values.dtype == np.uint8
    kind: Any = np.int64 if whole else np.float64
    origin = kind(0) if whole else values[order[0]].astype(kind).reshape(values.shape[1], -1)[:, 0]
    first = origin if values.ndim == 2 or whole else origin[:, None, None]
    total = squares = np.zeros(values.shape[1], kind)
    chunk = max(1, _AT_ONCE // math.prod(values.shape[1:]))
    for start in range(0, len(order), chunk):
        part = values[order[start : start + chunk]]
        part = part if whole else part - first
        total = total + part.sum(axes, dtype=kind)
        squared = np.square(part, dtype=np.uint16 if whole else kind)  # 255^2 fits
        squares = squares + squared.sum(axes, dtype=kind)
    count = len(order) * math.prod(values.shape[2:])
    if whole:
        variances = [count * int(q) - int(s) ** 2 for q, s in zip(squares, total, strict=True)]  # exact, any size
        return total / count, np.array([math.sqrt(v) / count for v in variances])
    mean = total / count
    return origin + mean, np.sqrt(np.maximum(squares / count - mean**2, 0))


def extent(values: Array, rows: NDArray[np.int64]) -> tuple[float, float]:
    """The lowest and the highest value in some rows of (N, C, H, W)."""
    order = np.sort(rows)  # a mapped file is read forwards
    chunk = max(1, _AT_ONCE // math.prod(values.shape[1:]))
    low, high = math.inf, -math.inf
    for start in range(0, len(order), chunk):
        part = values[order[start : start + chunk]]
        low, high = min(low, part.min().item()), max(high, part.max().item())
    return low, high

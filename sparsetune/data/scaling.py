"""What is done to stored values before a network gets them: by which numbers, measured how, in which precision.

Standardised numbers are float32 with an error of up to 2^-24 of a deviation. Of numbers that lie far from 0, such as
times in milliseconds or coordinates, the cast alone can take all that differs: those stay float64 until their mean is
taken off. Many values are looked at a part at a time: they may be a mapped file.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sparsetune.data.pools import Array

ENOUGH = 2.0**-18  # of a deviation: four millionths
_AT_ONCE = 1 << 24  # values that are looked at together


@dataclass(frozen=True)
class Scaling:
    """(values - shift) / scale, as ``dtype``; numbers for all values, or tensors that fit a batch of samples.

    Tensors of float64 make the arithmetic float64: what is left after the mean is taken off becomes ``dtype``.
    """

    shift: float | Tensor
    scale: float | Tensor
    dtype: torch.dtype = torch.float32

    def __call__(self, values: Tensor) -> Tensor:
        plain = isinstance(self.shift, float) and isinstance(self.scale, float)
        if plain and (self.shift, self.scale) == (0.0, 1.0) and values.dtype == self.dtype:
            return values
        scaled = torch.sub(values, self.shift).div_(self.scale)  # bytes minus floats are float32
        return scaled if scaled.dtype == self.dtype else scaled.to(self.dtype)

    def undone(self, scaled: Tensor) -> Tensor:
        """Scaled values in their own unit; float64 where float32 would not hold them."""
        return scaled * self.scale + self.shift

    def to(self, device: torch.device, dtype: torch.dtype) -> Scaling:
        shift, scale = (part.to(device) if isinstance(part, Tensor) else part for part in (self.shift, self.scale))
        return Scaling(shift, scale, dtype)


@dataclass(frozen=True)
class Brightness:
    """Pixels that are no bytes as float32: black becomes 0, white 1. In float64 between, for 32 bits have more digits
    than a float32."""

    black: float
    white: float

    def __call__(self, values: Tensor) -> Tensor:
        return values.double().sub_(self.black).div_(self.white - self.black).float()


def moments(values: Array, rows: NDArray[np.int64] | None = None) -> tuple[NDArray[Any], NDArray[Any]]:
    """Mean and (population) standard deviation by channel of pixels (N, C, H, W) or feature of floats (N, F).

    Of bytes by sums of whole numbers: exact, so equal on every machine and for every number of threads. Of others by
    differences from the first sample (of images its first pixel): a constant has deviation 0, and large numbers that
    are alike keep their digits.

    Args:
        rows: which samples count; else all.
    """
    order = np.arange(len(values)) if rows is None else rows
    axes = (0, 2, 3) if values.ndim == 4 else (0,)
    whole = values.dtype == np.uint8
    kind: Any = np.int64 if whole else np.float64
    origin = kind(0) if whole else values[order.min()].astype(kind).reshape(values.shape[1], -1)[:, 0]
    first = origin if values.ndim == 2 or whole else origin[:, None, None]
    total = squares = np.zeros(values.shape[1], kind)
    for part in _parts(values, order):
        part = part if whole else part - first
        total = total + part.sum(axes, dtype=kind)
        squared = np.square(part, dtype=np.uint16 if whole else kind)  # 255^2 fits
        squares = squares + squared.sum(axes, dtype=kind)
    count = len(order) * math.prod(values.shape[2:])
    if whole:
        exact = zip(map(int, squares), map(int, total), strict=True)  # whole numbers of any size
        return total / count, np.array([math.sqrt(count * q - s**2) / count for q, s in exact])
    mean = total / count
    return origin + mean, np.sqrt(np.maximum(squares / count - mean**2, 0))


def extent(values: Array, rows: NDArray[np.int64]) -> tuple[float, float]:
    """The lowest and the highest value in some rows of (N, C, H, W)."""
    low, high = math.inf, -math.inf
    for part in _parts(values, rows):
        low, high = min(low, part.min().item()), max(high, part.max().item())
    return low, high


def _parts(values: Array, rows: NDArray[np.int64]) -> Iterator[Array]:
    order = np.sort(rows)  # a mapped file is read forwards
    chunk = max(1, _AT_ONCE // math.prod(values.shape[1:]))
    for start in range(0, len(order), chunk):
        yield values[order[start : start + chunk]]


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
    different: NDArray[Any] = np.unique(values)
    with np.errstate(under="ignore", over="ignore"):
        return len(different), len(np.unique(different.astype(np.float32)))

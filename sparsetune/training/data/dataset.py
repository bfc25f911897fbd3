"""What a data set is to the training core: three splits of tensors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Bytes = NDArray[np.uint8]
Labels = NDArray[Any]


@dataclass(frozen=True)
class Split:
    """Samples and what they should give: inputs (N, ...) of floats, targets (N,) of int64."""

    inputs: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return self.targets.shape[0]

    def to(self, device: torch.device, dtype: torch.dtype) -> Split:
        """The same samples on ``device``; inputs as ``dtype``, targets stay int64."""
        return Split(self.inputs.to(device, dtype), self.targets.to(device))


@dataclass(frozen=True)
class Dataset:
    """Three disjoint splits; ``input_shape`` is that of one sample, targets are in [0, classes)."""

    train: Split
    val: Split
    test: Split
    input_shape: tuple[int, ...]
    classes: int

    def to(self, device: torch.device, dtype: torch.dtype) -> Dataset:
        """The same splits on ``device``; inputs as ``dtype``."""
        train, val, test = (split.to(device, dtype) for split in (self.train, self.val, self.test))
        return Dataset(train, val, test, self.input_shape, self.classes)


def grey_images(splits: Sequence[tuple[Bytes, Labels]], classes: int) -> Dataset:
    """Grey images, standardised by the training split's mean and deviation over all its pixels.

    Args:
        splits: pixels (N, height, width) and labels (N,) of train, val and test.

    Returns:
        Inputs (N, 1, height, width) of float32, on the CPU.
    """
    pixels = splits[0][0]
    mean, std = moments(pixels)
    train, val, test = (_split(*split, mean, std) for split in splits)
    return Dataset(train, val, test, input_shape=(1, *pixels.shape[1:]), classes=classes)


def moments(pixels: Bytes) -> tuple[float, float]:
    """Mean and (population) standard deviation of all pixels.

    Sums of whole numbers: exact, so equal on every machine and for every number of threads.
    """
    count = pixels.size
    total = int(pixels.sum(dtype=np.int64))
    squares = int(np.square(pixels, dtype=np.uint16).sum(dtype=np.int64))  # 255^2 fits
    return total / count, math.sqrt(count * squares - total**2) / count


def _split(pixels: Bytes, labels: Labels, mean: float, std: float) -> Split:
    # Scaling pixels to [0, 1] first would cancel out here.
    inputs = pixels[:, np.newaxis].astype(np.float32)
    inputs -= np.float32(mean)
    inputs /= np.float32(std)
    return Split(torch.from_numpy(inputs), torch.from_numpy(labels.astype(np.int64)))

"""Samples as they lie in files: undivided, not scaled, images as bytes or whatever their files hold."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Samples:
    """Inputs (N, channels, height, width) of uint8 (of another type where :attr:`Pools.white` is None) or (N, features)
    of floats; targets (N,) of whole numbers for classes, (N, outputs) of floats for regression. Arrays may be
    memory-mapped.

    Floats are float32, or float64 where float32 would lose what differs: those become float32 once they are scaled."""

    inputs: Array
    targets: Array

    def __len__(self) -> int:
        return len(self.targets)


@dataclass(frozen=True)
class Truth:
    """What targets are made of before noise is added.

    Attributes:
        function: of inputs (N, features) as they lie in files: (N, outputs) of float64.
        low, high: all inputs lie between.
    """

    function: Callable[[Array], Array]
    low: float
    high: float


@dataclass(frozen=True)
class Pools:
    """What a data set brings.

    Attributes:
        train: what training samples are taken from, and validation and test samples where those are None.
        outputs: classes, or numbers to predict.
        white: the value of a white pixel; None: black and white are what the training images make of them.
        digest: hexadecimal SHA-256 of the content where it is known already; else "".
        classes: names, where the data have them.
        features: names of the inputs of a table.
        truth: where the data know it.
    """

    train: Samples
    outputs: int
    val: Samples | None = None
    test: Samples | None = None
    white: float | None = 255.0
    digest: str = ""
    classes: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    truth: Truth | None = None

    def content(self) -> str:
        """Hexadecimal SHA-256 of all samples."""
        if self.digest:
            return self.digest
        digest = hashlib.sha256()
        for samples in (self.train, self.val, self.test):
            if samples is not None:
                digest.update(np.ascontiguousarray(samples.inputs).data)
                digest.update(np.ascontiguousarray(samples.targets).data)
        return digest.hexdigest()

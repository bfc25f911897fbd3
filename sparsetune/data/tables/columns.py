"""Columns as inputs: numbers as they are, text as one input of 0 and 1 for each of its values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sparsetune.data.pools import Array
from sparsetune.data.tables.cells import Text


@dataclass(frozen=True)
class Numbers:
    """A column of finite numbers: ``values`` (N,) of float64."""

    name: str
    values: Array

    @property
    def features(self) -> tuple[str, ...]:
        return (self.name,)

    @property
    def key(self) -> Array:
        """(N,) equal where two rows have the same in it."""
        return self.values

    def fill(self, block: Array, rows: slice) -> None:
        """Write what these rows have into ``block`` (rows, features)."""
        block[:, 0] = self.values[rows]


@dataclass(frozen=True)
class Categories:
    """A column of which each value is an input of 0 and 1: ``text`` is without unused ones, in order."""

    name: str
    text: Text

    @property
    def features(self) -> tuple[str, ...]:
        return tuple(f"{self.name}={value}" for value in self.text.texts)

    @property
    def key(self) -> Array:
        return self.text.codes

    def fill(self, block: Array, rows: slice) -> None:
        block[:] = self.text.codes[rows, None] == np.arange(len(self.text.texts))

"""Columns: their names, of which some are there twice, look alike or are none, and the inputs that they become:
numbers as they are, text as one input of 0 and 1 for each of its values.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from sparsetune.base.errors import BadInput
from sparsetune.data.pools import Array
from sparsetune.data.tables.cells import Text

_UNNAMED = re.compile(r"(Unnamed: \d+(\.\d+)*|__index_level_\d+__)?")  # as pandas calls a saved index


@dataclass(frozen=True)
class Names:
    """Of all columns by position.

    Attributes:
        all: a column without a name is called ``Unnamed: POSITION``, from 0, as pandas does.
        unnamed: the positions of those.
    """

    all: tuple[str, ...]
    unnamed: frozenset[int]


def named(header: Sequence[str]) -> Names:
    """Of the names that stand in a file."""
    blank = {number for number, name in enumerate(header) if not name.strip()}
    unnamed = {number for number, name in enumerate(header) if _UNNAMED.fullmatch(name.strip())}
    everything = (f"Unnamed: {number}" if number in blank else name for number, name in enumerate(header))
    return Names(tuple(everything), frozenset(unnamed))


def refuse_twice(names: Sequence[str], ignored: Iterable[str], source: Path) -> None:
    """Raise :class:`BadInput` for a name that two columns have: nothing says which of them is meant."""
    for name, times in Counter(names).items():
        if times > 1 and name not in ignored:
            positions = [str(number + 1) for number, each in enumerate(names) if each == name]
            which = f"{', '.join(positions[:-1])} and {positions[-1]}"
            problem = f"found the name {name!r} on columns {which}; give each column its own"
            raise BadInput(problem, source=source, code="conflict")


def alike(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Groups of names that differ in blanks or in small and capital letters only."""

    def plain(name: str) -> str:
        return "".join(name.split()).casefold()

    groups = groupby(sorted(names, key=plain), key=plain)
    return [group for _, each in groups if len(group := tuple(each)) > 1]


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

"""Reads columns: as numbers, as dates, as categories or classes; a column that could be meant otherwise is refused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparsetune.base.errors import BadInput, shown
from sparsetune.data.pools import Array
from sparsetune.data.tables.cells import Column, Text
from sparsetune.data.tables.columns import Categories, Numbers
from sparsetune.data.tables.config import TabularConfig
from sparsetune.data.tables.dates import Ambiguous, days_of, days_since_epoch, format_of
from sparsetune.data.tables.hints import listed, mostly_numbers, other_reading
from sparsetune.data.tables.notation import Notation, amount, no_number

MOST_VALUES = 100  # of a text column, each of which becomes an input
FEW_ROWS = 20  # in more rows, values of which hardly any comes twice are names of rows
_MEND = "leave it out by data.ignore, or make numbers of it"
_POINTS, _GROUPS = Notation("."), Notation(",", ".")
_NUMBER = "a number"
_LARGEST = float(np.finfo(np.float32).max)
_EXACT = 2**53  # whole numbers up to there are exact as float64


class Reader:
    """Makes inputs and targets of columns without missing cells."""

    def __init__(self, config: TabularConfig, source: Path) -> None:
        self.config, self.source = config, source
        self.notation = Notation(config.decimal, config.thousands)

    def input(self, column: Column) -> Numbers | Categories:
        """Raises :class:`BadInput` with row and column for what is neither."""
        numbers = self._numbers(column)
        if numbers is not None:
            return Numbers(column.name, self._finite(numbers, column))
        text = _distinct(column)
        if column.name not in self.config.categories and (hint := other_reading(text, self.notation, column.name)):
            raise self._bad(column, f"{hint}; or data.categories: {listed(column.name)} takes each text as a category")
        values, rows = len(text.texts), len(column)
        if values > MOST_VALUES or (rows > FEW_ROWS and 2 * values > rows):
            raise self._bad(
                column,
                f"found {values:,} different texts in {rows:,} rows, each would be an input "
                f"(allowed: {MOST_VALUES}, and half of the rows); {_MEND}",
            )
        return Categories(column.name, text)

    def number(self, column: Column) -> Array:
        """A target of regression, (N,) float64."""
        numbers = self._numbers(column)
        if numbers is None:
            text = _distinct(column)
            if hint := other_reading(text, self.notation, column.name):
                raise self._bad(column, hint)
            first = text.texts[text.codes[0]]
            raise self._at(column, 0, f"found {shown(first)}, wanted a number")
        self._refuse_constant(self._finite(numbers, column), column)
        return numbers

    def classes(self, column: Column) -> Text:
        """A target of classification; numbers are in their order."""
        hint = "for a number to predict set data.task to regression"
        numbers = self._numbers(column)
        if numbers is not None and len(broken := np.flatnonzero(numbers != np.floor(numbers))):
            problem = f"found {numbers[broken[0]]:g}, wanted a class (text or a whole number)"
            raise self._at(column, broken[0], f"{problem}; {hint}")
        text = _distinct(column)
        self._refuse_constant(text.codes, column, shown_as=text.texts[0])
        if 2 * len(text.texts) > len(column):
            raise self._bad(column, f"found {len(text.texts):,} classes in {len(column):,} rows; {hint}")
        return text

    def _numbers(self, column: Column) -> Array | None:
        """The column as float64 if it is of numbers, true and false, or dates that are to be read; None for text."""
        cells = column.cells
        if column.name in self.config.categories:
            return None
        if column.name in self.config.dates:
            return self._days(column)
        if isinstance(cells, Text):
            return self._parsed(column, cells.sorted())
        if cells.dtype.kind not in "biuf":
            problem = f"found {cells.dtype}, allowed: numbers, text, true and false"
            hint = f", or set data.dates: {listed(column.name)}" if cells.dtype.kind == "M" else ""
            raise self._bad(column, f"{problem}; {_MEND}{hint}")
        if cells.dtype.kind in "iu":
            self._refuse_merged(column, cells)
        return cells.astype(np.float64, copy=False)

    def _parsed(self, column: Column, text: Text) -> Array | None:
        """Numbers in text; None where they are not most of it."""
        with_unit = column.name in self.config.units
        amounts = [amount(each) for each in text.texts] if with_unit else []
        unit = _most([each.unit if each else "" for each in amounts], text.codes)
        plain = [each.number if each and each.unit == unit else "" for each in amounts] if with_unit else text.texts
        parsed = self._values(plain)
        matching = [value is not None for value in parsed]
        if not with_unit and not mostly_numbers(matching, text):
            return None
        if not all(matching):
            raise self._slip(column, text, matching, f"{_NUMBER} with {unit!r}" if unit else _NUMBER)
        values = np.array(parsed, np.float64)
        whole = [int(each) for each in plain if each.strip().isdecimal() and len(each) > 15]
        if len({*whole}) > len({*map(float, whole)}):
            raise self._merged(column)
        return np.asarray(values[text.codes])

    def _values(self, texts: Sequence[str]) -> list[float | None]:
        """What the texts say, in the column's own notation: points that cannot be between groups are decimal."""
        parsed = [self.notation.number(each) for each in texts]
        if self.notation.decimal == "." or None not in parsed:
            return parsed
        with_points = [_POINTS.number(each) for each in texts]
        is_decimal = None not in with_points and any(_GROUPS.number(each) is None for each in texts)
        return with_points if is_decimal else parsed

    def _days(self, column: Column) -> Array:
        cells = column.cells
        if not isinstance(cells, Text):
            if cells.dtype.kind == "M":
                return days_since_epoch(cells)
            cells = _distinct(column)
        text = cells.sorted()
        try:
            form = format_of(text.texts, compact=True)
        except Ambiguous:
            either = f"found {shown(text.texts[0])}, which may have the day or the month first; write it as 2026-11-29"
            raise self._bad(column, either) from None
        if form is None:
            no_date = f"found {shown(text.texts[0])}, wanted a date or a time, such as 2026-11-29, 29.11.2026 or 12:30"
            raise self._bad(column, no_date).at(key="data.dates")
        days = days_of(text.texts, form)
        if np.isnan(days).any():
            raise self._slip(column, text, (~np.isnan(days)).tolist(), "a date" if form else "a time")
        return np.asarray(days[text.codes])

    def _slip(self, column: Column, text: Text, matching: Sequence[bool], wanted: str = _NUMBER) -> BadInput:
        cell = np.flatnonzero(~np.array(matching)[text.codes])[0]
        word = text.texts[text.codes[cell]]
        slip = f"found {shown(word)}, wanted {wanted} like most there"
        if wanted == _NUMBER and not no_number(word) and (hint := other_reading(text, self.notation, column.name)):
            return self._bad(column, hint)
        ways = f"data.missing: {listed(word.strip())} if it says that a value is missing"
        return self._at(column, cell, f"{slip}; {ways}, data.categories: {listed(column.name)} for categories")

    def _refuse_constant(self, values: Array, column: Column, shown_as: object = None) -> None:
        if values.min() == values.max():
            value = values[0] if shown_as is None else shown_as
            raise self._bad(column, f"found the value {value} only, wanted targets that differ")

    def _refuse_merged(self, column: Column, cells: NDArray[Any]) -> None:
        if max(int(cells.max()), -int(cells.min())) > _EXACT and len(np.unique(cells)) > len(
            np.unique(cells.astype(np.float64))
        ):
            raise self._merged(column)

    def _merged(self, column: Column) -> BadInput:
        problem = "found whole numbers of which some are the same as float64 (allowed: up to 9007199254740992)"
        return self._bad(column, f"{problem}; take off what all have in common, or leave it out by data.ignore")

    def _finite(self, numbers: Array, column: Column) -> Array:
        broken = np.flatnonzero(~(np.abs(numbers) <= _LARGEST))
        if len(broken):
            problem = f"found {numbers[broken[0]]:g}, wanted a finite number of at most 3.4e38"
            raise self._at(column, broken[0], problem)
        return numbers

    def _bad(self, column: Column, problem: str) -> BadInput:
        return BadInput(f"column {column.name!r}: {problem}", source=self.source)

    def _at(self, column: Column, cell: Any, problem: str) -> BadInput:
        return BadInput(f"{column.at(cell)}: {problem}", source=self.source)


def _distinct(column: Column) -> Text:
    """The different values in order, those of numbers by size."""
    if isinstance(column.cells, Text):
        return column.cells.sorted()
    values, codes = np.unique(column.cells, return_inverse=True)
    named = values.astype(str) if values.dtype.kind == "M" else values
    return Text(codes.astype(np.int64), tuple(map(str, named.tolist())))


def _most(words: Sequence[str], codes: NDArray[np.int64]) -> str:
    """The word that most cells have."""
    cells = np.bincount(codes, minlength=len(words)).tolist()
    count = dict.fromkeys(words, 0)
    for word, own in zip(words, cells, strict=False):
        count[word] += own
    return max(count, key=count.__getitem__, default="")

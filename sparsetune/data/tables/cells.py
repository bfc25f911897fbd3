"""Cells of a column as they are: numbers as numbers, all else as text; which are missing, and what that means."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sparsetune.base.errors import BadInput
from sparsetune.data.pools import Array

if TYPE_CHECKING:
    from pandas import Series


@dataclass(frozen=True)
class Text:
    """Of each cell (N,) the position of its text in ``texts``."""

    codes: NDArray[np.int64]
    texts: tuple[str, ...]

    def sorted(self) -> Text:
        """Without texts that no cell has; the others in order."""
        used, codes = np.unique(self.codes, return_inverse=True)
        kept = [self.texts[each] for each in used]
        order = sorted(range(len(kept)), key=kept.__getitem__)
        positions = np.empty(len(kept), np.int64)
        positions[order] = np.arange(len(kept))
        return Text(positions[codes], tuple(kept[each] for each in order))


@dataclass(frozen=True)
class Column:
    """A column and which of its cells are missing.

    Attributes:
        cells: (N,) numbers, true and false, or times; or text.
        rows: (N,) where each cell stands in the file, from 0.
    """

    name: str
    cells: Array | Text
    gaps: NDArray[np.bool_]
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)

    def at(self, cell: Any) -> str:
        """Where a cell stands, for messages."""
        return f"row {self.rows[cell] + 1:,}, column {self.name!r}"

    def kept(self, rows: NDArray[np.bool_]) -> Column:
        """Some rows of it, in which no cell is missing."""
        if isinstance(self.cells, Text):
            cells: Array | Text = Text(self.cells.codes[rows], self.cells.texts)
        else:
            cells = self.cells[rows]
            if self.gaps.any() and cells.dtype.kind == "f" and (cells == np.floor(cells)).all():
                cells = cells.astype(np.int64) if np.abs(cells).max(initial=0) < 2**53 else cells  # gaps made floats
        return Column(self.name, cells, self.gaps[rows], self.rows[rows])


def column_of(
    series: Series[Any], name: str, rows: NDArray[np.int64], missing: Sequence[str | int | float] = ()
) -> Column:
    """A column of a table; missing are empty cells, and those with one of these words or numbers."""
    cells, gaps = _cells(series)
    words = {str(each).strip() for each in missing} | {""}
    if isinstance(cells, Text):
        absent = np.array([text.strip() in words for text in cells.texts], np.bool_)
        gaps = gaps | absent[cells.codes] if len(absent) else gaps
    elif cells.dtype.kind in "iuf":
        gaps = reduce(np.logical_or, (cells == number for number in _numbers(words)), gaps)
    return Column(name, cells, gaps, rows)


def settled(
    columns: Sequence[Column], inputs: int, on_missing: str, source: Path, *, named: bool
) -> tuple[list[Column], int]:
    """The columns without missing cells, and how many rows are left out for them.

    Args:
        inputs: as many columns come first; one of the others, the targets, cannot be left out.
        on_missing: refuse or drop_rows.
        named: whether there are words for missing cells, so that not all of these are empty.

    Raises:
        BadInput: cells are missing; with drop_rows: in every row.
    """
    gaps = np.stack([column.gaps for column in columns])
    anywhere: NDArray[np.bool_] = np.any(gaps, axis=0)
    if not anywhere.any():
        return list(columns), 0
    if on_missing == "refuse":
        raise BadInput(_missing(columns, gaps, inputs, named=named), source=source, code="missing")
    if anywhere.all():
        raise BadInput("every row has a missing value; leave out columns by data.ignore", source=source, code="missing")
    return [column.kept(~anywhere) for column in columns], int(anywhere.sum())


def _missing(columns: Sequence[Column], gaps: NDArray[np.bool_], inputs: int, *, named: bool) -> str:
    row = int(gaps.any(axis=0).argmax())
    where = columns[int(gaps[:, row].argmax())].at(row)
    count = int(gaps.sum())
    in_all = "1 cell is empty" if count == 1 else f"{count:,} cells are empty"
    in_all += " or missing by data.missing" if named else ""
    leave_out = ", or leave out the column by data.ignore" if gaps[:inputs].any() else ""
    return (
        f"{where}: no value; {in_all} (rows count from 1, without the header): fill in values, drop rows{leave_out}; "
        "data.on_missing: drop_rows leaves such rows out"
    )


def _cells(series: Series[Any]) -> tuple[Array | Text, NDArray[np.bool_]]:
    import pandas

    gaps = series.isna().to_numpy(dtype=np.bool_)
    kind = pandas.api.types
    if isinstance(series.dtype, pandas.DatetimeTZDtype):
        series = series.dt.tz_convert("UTC").dt.tz_localize(None)
    if kind.is_datetime64_dtype(series.dtype) or kind.is_timedelta64_dtype(series.dtype):
        return series.to_numpy(), gaps
    if kind.is_numeric_dtype(series.dtype):  # true and false, too
        if isinstance(series.dtype, np.dtype):
            return series.to_numpy(), gaps
        if gaps.any():
            return series.to_numpy(dtype=np.float64, na_value=np.nan), gaps
        return np.asarray(series.to_numpy(dtype=getattr(series.dtype, "numpy_dtype", np.float64))), gaps
    if series.dtype == np.object_ and not gaps.all() and all(isinstance(each, bool) for each in series[~gaps]):
        return np.where(gaps, False, series.to_numpy()).astype(np.bool_), gaps
    return _text(series), gaps


def _text(series: Series[Any]) -> Text:
    import pandas

    if series.dtype == np.object_ or isinstance(series.dtype, pandas.CategoricalDtype):
        series = series.astype(np.object_).map(str, na_action="ignore")
    codes, texts = pandas.factorize(series)
    named = tuple(map(str, texts))
    if (codes < 0).any():  # empty cells
        codes, named = np.where(codes < 0, len(named), codes), (*named, "")
    return Text(np.asarray(codes, np.int64), named)


def _numbers(words: Collection[str]) -> list[float]:
    numbers = []
    for word in words:
        with suppress(ValueError):
            numbers.append(float(word))
    return numbers

"""Columns of a table as arrays: numbers as they are, text as one column of 0 and 1 for each of its values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sparsetune.config.errors import BadInput, shown, unknown
from sparsetune.config.facts import Kind
from sparsetune.training.data.pools import Array, Samples

if TYPE_CHECKING:
    from pandas import DataFrame, Series

MOST_VALUES = 100  # of a text column, each of which becomes an input
FEW_ROWS = 20  # in more rows, values of which hardly any comes twice are names of rows, or dates
_MEND = "leave it out by data.ignore, or make numbers of it"


@dataclass(frozen=True)
class Table:
    """Inputs and targets of all rows, names of the inputs, and of the classes where there are any."""

    samples: Samples
    features: tuple[str, ...]
    classes: tuple[str, ...] = ()


def table_of(frame: DataFrame, targets: Sequence[str], ignored: Sequence[str], task: Kind, source: Path) -> Table:
    """What is learned from what; rows in messages count from 1 and leave the line with the names out.

    Args:
        targets: columns to predict; one for classification, whose classes are its values in order.
        ignored: columns that are no inputs.

    Raises:
        BadInput: a column that is not there; missing, infinite or wrong values, with row and column.
    """
    columns = [str(name) for name in frame.columns]
    for key, names in (("data.target", targets), ("data.ignore", ignored)):
        for name in names:
            if name not in columns:
                raise BadInput(unknown("column", name, columns), source=source, key=key)
    inputs = [name for name in columns if name not in targets and name not in ignored]
    if not inputs:
        raise BadInput("no column is left for the inputs", source=source, key="data.target")
    _refuse_missing(frame[[*inputs, *targets]], len(inputs), source)
    features: dict[str, Array] = {}
    for name in inputs:
        own = _features(frame[name], name, source)
        if twice := sorted(features.keys() & own.keys()):
            raise BadInput(f"two inputs would be called {twice[0]!r}; rename column {name!r}", source=source)
        features |= own
    values = np.stack(list(features.values()), axis=1)
    if task == "regression":
        wanted = np.stack([_regression_target(frame[name], name, source) for name in targets], axis=1)
        return Table(Samples(values, wanted), tuple(features))
    labels, classes = _classes(frame[targets[0]], targets[0], source)
    return Table(Samples(values, labels), tuple(features), classes)


def _refuse_missing(frame: DataFrame, inputs: int, source: Path) -> None:
    """The inputs are the first columns: one of the targets cannot be left out."""
    gaps = frame.isna().to_numpy()
    cells = int(gaps.sum())
    if not cells:
        return
    row = gaps.any(axis=1).argmax()
    where = _at(row, frame.columns[gaps[row].argmax()])
    in_all = "1 cell is empty" if cells == 1 else f"{cells:,} cells are empty"
    leave_out = ", or leave out the column by data.ignore" if gaps[:, :inputs].any() else ""
    raise BadInput(
        f"{where}: no value; {in_all} (rows count from 1, without the header): fill in values, drop rows{leave_out}",
        source=source,
    )


def _features(column: Series[Any], name: str, source: Path) -> dict[str, Array]:
    numbers = _numbers(column, name, source)
    if numbers is not None:
        return {name: _single(numbers, name, source)}
    labels, values = _distinct(column)
    if len(values) > MOST_VALUES or (len(column) > FEW_ROWS and 2 * len(values) > len(column)):
        raise BadInput(
            f"column {name!r}: found {len(values):,} different texts in {len(column):,} rows, each would be an input "
            f"(allowed: {MOST_VALUES}, and half of the rows); {_MEND}",
            source=source,
        )
    return {f"{name}={value}": (labels == number).astype(np.float32) for number, value in enumerate(values)}


def _regression_target(column: Series[Any], name: str, source: Path) -> Array:
    numbers = _numbers(column, name, source)
    if numbers is None:
        raise BadInput(f"{_at(0, name)}: found {shown(str(column.iloc[0]))}, wanted a number", source=source)
    values = _single(numbers, name, source)
    _refuse_constant(values, name, source)
    return values


def _classes(column: Series[Any], name: str, source: Path) -> tuple[Array, tuple[str, ...]]:
    hint = "for a number to predict set data.task to regression"
    numbers = _numbers(column, name, source)
    if numbers is not None and len(broken := np.flatnonzero(numbers != np.floor(numbers))):
        found = f"found {numbers[broken[0]]:g}, wanted a class (text or a whole number)"
        raise BadInput(f"{_at(broken[0], name)}: {found}; {hint}", source=source)
    labels, values = _distinct(column)
    _refuse_constant(labels, name, source, shown_as=values[0])
    if 2 * len(values) > len(labels):
        found = f"found {len(values):,} classes in {len(labels):,} rows"
        raise BadInput(f"column {name!r}: {found}; {hint}", source=source)
    return labels, tuple(values)


def _numbers(column: Series[Any], name: str, source: Path) -> Array | None:
    """The column as float64 if it has numbers, or true and false; None for text."""
    import pandas

    kinds = pandas.api.types
    if kinds.is_bool_dtype(column.dtype) or (
        kinds.is_numeric_dtype(column.dtype) and not kinds.is_complex_dtype(column.dtype)
    ):
        return column.to_numpy(dtype=np.float64)
    if not (kinds.is_string_dtype(column.dtype) or isinstance(column.dtype, pandas.CategoricalDtype)):
        found = f"found {column.dtype}, allowed: numbers, text, true and false"
        raise BadInput(f"column {name!r}: {found}; {_MEND}", source=source)
    parsed = pandas.to_numeric(column.astype(str), errors="coerce").to_numpy(dtype=np.float64)
    broken = np.flatnonzero(np.isnan(parsed))
    if 2 * len(broken) >= len(parsed):
        return None
    if len(broken):  # most are numbers: the others are slips
        found = shown(str(column.iloc[broken[0]]))
        raise BadInput(f"{_at(broken[0], name)}: found {found}, wanted a number like most there", source=source)
    return parsed


def _single(numbers: Array, name: str, source: Path) -> Array:
    """As float32; infinite there is refused."""
    with np.errstate(over="ignore"):
        values = numbers.astype(np.float32)
    broken = np.flatnonzero(~np.isfinite(values))
    if len(broken):
        found = f"found {numbers[broken[0]]:g}, wanted a finite number of at most 3.4e38"
        raise BadInput(f"{_at(broken[0], name)}: {found}", source=source)
    return values


def _distinct(column: Series[Any]) -> tuple[Array, list[str]]:
    """Of each row the position of its value, (N,) int64, among the different values in order."""
    values, labels = np.unique(column.to_numpy(dtype=object, copy=True), return_inverse=True)
    return labels.astype(np.int64), [str(value) for value in values]


def _refuse_constant(values: Array, name: str, source: Path, shown_as: object = None) -> None:
    if values.min() == values.max():
        found = values[0] if shown_as is None else shown_as
        raise BadInput(f"column {name!r}: found the value {found} only, wanted targets that differ", source=source)


def _at(row: Any, name: object) -> str:
    return f"row {row + 1:,}, column {name!r}"

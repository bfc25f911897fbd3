"""From the rows of a file to a table of inputs and targets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from sparsetune.base.errors import BadInput
from sparsetune.data.tables.cells import Column, Text, column_of, settled
from sparsetune.data.tables.columns import Categories, Names, Numbers, named, refuse_twice
from sparsetune.data.tables.config import TabularConfig
from sparsetune.data.tables.file import Raw, read_table
from sparsetune.data.tables.reader import Reader
from sparsetune.data.tables.remarks import look_alikes, of_leaks, of_row_numbers, saved_index
from sparsetune.data.tables.table import Table

_LISTS = ("ignore", "units", "dates", "categories")  # settings that name columns


def table_of(config: TabularConfig, path: Path) -> Table:
    """What is learned from what; rows in messages count from 1 and leave the line with the names out.

    Raises:
        BadInput: a column that is not there, or twice; missing, infinite or wrong values, with row and column.
    """
    raw = read_table(path, config)
    names = named(raw.header)
    refuse_twice(names.all, config.ignore, path)
    _refuse_unknown(config, names.all, path)
    columns, remarks = _used(raw, names, config)
    inputs = [column for column in columns if column.name not in config.targets]
    if not inputs:
        raise BadInput("no column is left for the inputs", source=path, key="data.target", code="missing")
    by_name = {column.name: column for column in columns}
    targets = [by_name[name] for name in config.targets]
    remarks += [*of_row_numbers(inputs), *look_alikes(inputs, targets, path)]
    whole, dropped = settled([*inputs, *targets], len(inputs), config.on_missing, path, named=bool(config.missing))
    if dropped:
        remarks.append(f"{dropped:,} of {len(inputs[0]):,} rows are left out: a value is missing there")
    reader = Reader(config, path)
    read = [reader.input(column) for column in whole[: len(inputs)]]
    _refuse_same_features(read, path)
    wanted = [
        Numbers(column.name, reader.number(column))
        if config.kind == "regression"
        else Categories(column.name, reader.classes(column))
        for column in whole[len(inputs) :]
    ]
    return Table(read, wanted, [*remarks, *of_leaks(read, wanted)])


def _refuse_unknown(config: TabularConfig, names: Sequence[str], path: Path) -> None:
    lists = {"target": config.targets, **{each: getattr(config, each) for each in _LISTS}}
    for key, own in lists.items():
        for name in own:
            if name not in names:
                raise BadInput.unknown("column", name, names, source=path, key=f"data.{key}")


def _used(raw: Raw, names: Names, config: TabularConfig) -> tuple[list[Column], list[str]]:
    """Columns that are not ignored; without a name only those that are worth an input, and what is to be said then."""
    asked = {*config.targets, *config.units, *config.dates, *config.categories}
    rows = np.arange(len(raw.frame))
    columns: list[Column] = []
    remarks: list[str] = []
    for number, name in enumerate(names.all):
        if name in config.ignore:
            continue
        column = column_of(raw.frame[number], name, rows, config.missing)
        if number not in names.unnamed or name in asked:
            columns.append(column)
        elif column.gaps.all():
            remarks.append(f"column {number + 1} has no name and no values: it is left out")
        elif not isinstance(column.cells, Text) and not column.gaps.any() and saved_index(column.cells):
            remarks.append(f"column {number + 1} has no name and numbers the rows: it is left out, as a saved index")
        else:
            remarks.append(f"column {number + 1} has no name: it is the input {name!r}")
            columns.append(column)
    return columns, remarks


def _refuse_same_features(inputs: Iterable[Numbers | Categories], path: Path) -> None:
    features: set[str] = set()
    for column in inputs:
        if twice := sorted(features.intersection(column.features)):
            problem = f"two inputs would be called {twice[0]!r}; rename column {column.name!r}"
            raise BadInput(problem, source=path, code="conflict")
        features.update(column.features)

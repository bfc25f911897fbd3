"""Columns of text that fit a width: right-aligned, headings broken at underscores where there is little room."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sparsetune.base.layout.text import heading, short_names, value_of

GAP = 2  # characters between two columns


class Column(NamedTuple):
    """A name and its cells, one a row."""

    name: str
    cells: Sequence[str]

    @property
    def narrow(self) -> int:
        """Characters that it needs at least: its longest cell, or word of its name."""
        return max(len(text) for text in (*self.name.split("_"), *self.cells))

    @property
    def wide(self) -> int:
        """Characters that it needs with its name on one line."""
        return max(len(self.name), self.narrow)


def of_params(rows: Sequence[Mapping[str, Any]], left_out: Collection[str] = ()) -> list[Column]:
    """Parameters by the last part of their names, in the order of the rows.

    Branches of a choice share a column (``drr.delta`` and ``magnitude.delta``), for a row has at most one of them.
    """
    alike: dict[str, list[str]] = {}
    for name in dict.fromkeys(name for row in rows for name in row if name not in left_out):
        alike.setdefault(name.removesuffix(".name").rpartition(".")[2], []).append(name)
    columns = []
    for short, names in alike.items():
        together = all(sum(name in row for name in names) <= 1 for row in rows)
        for title, several in [(short, names)] if together else [(own, [name]) for name, own in short_names(names)]:
            columns.append(Column(title, [_cell(row, several) for row in rows]))
    return columns


def _cell(row: Mapping[str, Any], names: Sequence[str]) -> str:
    """The first of these that the row has; empty where it has none."""
    return next((value_of(row[name]) for name in names if name in row), "")


def fitting(columns: Iterable[Column], width: int) -> list[Column]:
    """The columns that fit side by side; one that does not fit is left out, those after it may still."""
    shown: list[Column] = []
    for column in columns:
        if column.narrow + (GAP if shown else 0) <= width:
            width -= column.narrow + (GAP if shown else 0)
            shown.append(column)
    return shown


def widths(columns: Sequence[Column], width: int) -> list[int]:
    """How wide each column is: as its whole name if all of them have the room, else as its longest word or cell."""
    wide = [column.wide for column in columns]
    return wide if sum(wide) + GAP * (len(wide) - 1) <= width else [column.narrow for column in columns]


def aligned(columns: Sequence[Column], width: int) -> tuple[list[str], list[str]]:
    """The lines of the heading, and one line a row. The columns have to fit."""
    room = widths(columns, width)
    names = [_broken(column.name, each) for column, each in zip(columns, room, strict=True)]
    height = max(map(len, names), default=0)
    above = [[""] * (height - len(name)) + name for name in names]
    rows = zip(*(column.cells for column in columns), strict=True)
    return [_line(line, room) for line in zip(*above, strict=True)], [_line(row, room) for row in rows]


def _broken(name: str, width: int) -> list[str]:
    lines: list[str] = []
    for word in heading(name).split():
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _line(cells: Iterable[str], room: Sequence[int]) -> str:
    return (" " * GAP).join(cell.rjust(width) for cell, width in zip(cells, room, strict=True))

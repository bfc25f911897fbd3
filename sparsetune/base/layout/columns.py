"""Columns of text that fit a width: right-aligned, headings broken at underscores where there is little room."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sparsetune.base.layout.text import heading

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

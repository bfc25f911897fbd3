"""The arms of a study as tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.markup import escape
from rich.table import Table

from sparsetune.base.layout.columns import of_params
from sparsetune.base.layout.text import heading
from sparsetune.report.by_arm import Cell, comparable
from sparsetune.report.paired import measured_at, said
from sparsetune.report.tables import plain_table


def arms_tables(cells: Sequence[Cell], metrics: Sequence[str]) -> Iterator[Table]:
    """For each metric a line an arm: its mean, and what the cell's first arm is more than it, paired by seed.

    A difference of which seeds can tell the sign is bold.
    """
    varied = of_params([cell.values for cell in cells])
    for metric in comparable(cells, metrics):
        table = plain_table("By arm")
        for name in (*(heading(column.name) for column in varied), "arm", heading(metric), _difference(cells)):
            table.add_column(name, justify="left" if name == "arm" else "right")
        for index, cell in enumerate(cells):
            for arm, row in cell.arms.items():
                values = [escape(column.cells[index]) if arm == cell.first else "" for column in varied]
                less = "" if arm == cell.first else _apart(cell, arm, metric)
                table.add_row(*values, heading(arm), said(measured_at(row, metric)), less)
        yield table


def _difference(cells: Sequence[Cell]) -> str:
    names = {cell.first for cell in cells}
    return f"{heading(names.pop()) if len(names) == 1 else 'the first'} less it"


def _apart(cell: Cell, arm: str, metric: str) -> str:
    apart = cell.apart(arm, metric)
    return said(apart) if apart.noise else f"[bold]{said(apart)}[/bold]"

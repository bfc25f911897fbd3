"""Rows of a study as tables for the terminal."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from rich.markup import escape
from rich.table import Table

from sparsetune.base.layout.columns import GAP, Column, fitting, of_params, widths
from sparsetune.base.layout.text import heading, measured, number, spread, value_of
from sparsetune.base.messages import Trial
from sparsetune.config.metrics import metric_of
from sparsetune.report.levels import panels, runs_by_branch
from sparsetune.sparsity.figure import OverLevels
from sparsetune.sparsity.methods import METRICS

MARK = "*"  # behind the number of a trial of which something is to be said


def trial_table(
    rows: Sequence[Trial], metrics: Sequence[str], title: str | None, width: int, marked: Collection[str] = ()
) -> Table:
    """Number, branch, metrics and drawn parameters of each row; the best value of each metric is bold.

    What does not fit into ``width`` characters is left out, parameters first, and the caption says so.

    Args:
        marked: labels of rows that get a mark.
    """
    columns = [
        Column("trial", [f"{row.number}{MARK if row.label in marked else ''}" for row in rows]),
        *([Column("branch", [row.branch for row in rows])] if any(row.branch for row in rows) else []),
        *(Column(name, [metric(row, name) for row in rows]) for name in recorded(metrics, rows)),
    ]
    forked = {name for row in rows if row.branch for branch in row.branches for name in branch.values}  # in its name
    params = of_params([row.params for row in rows], forked)
    shown = fitting([*columns, *params], width)
    table = plain_table(title)
    left_out = {
        "metrics": sum(column not in shown for column in columns),
        "parameters": sum(column not in shown for column in params),
    }
    if any(left_out.values()):
        counts = ", ".join(f"{name} left out: {count}" for name, count in left_out.items() if count)
        table.caption = f"{counts}; a wider terminal, or sparsetune export, shows them"
        table.caption_justify, table.caption_style = "left", "italic"
    for column, room in zip(shown, widths(shown, width), strict=True):
        table.add_column(heading(column.name), justify="right", width=room)
    best = {name: _best(name, rows) for name in metrics}
    for index, row in enumerate(rows):
        table.add_row(*(_cell(column, index, row, best) for column in shown))
    return table


def levels_tables(trial: Trial, wanted: OverLevels, most: int = 12) -> Iterator[Table]:
    """For each number a line a level, a column a branch, with standard errors over replicates; none without levels.

    Args:
        most: lines; of more levels the first and the last, and some between.
    """
    for panel in panels(runs_by_branch(trial), wanted):
        table = plain_table(f"{panel.label}")
        for name in (wanted.label, *map(heading, panel.lines)):
            table.add_column(name, justify="right")
        places = dict.fromkeys(number(100 * point.over) for line in panel.lines.values() for point in line)
        for place in spread(sorted(places, key=float, reverse=True), most):
            at = ([each for each in line if number(100 * each.over) == place] for line in panel.lines.values())
            table.add_row(place, *(measured(each[0].mean, each[0].error, 4) if each else "" for each in at))
        yield table


def metric(row: Trial, name: str, digits: int = 3) -> str:
    """A number of a row in few characters, of several replicates with its standard error."""
    return measured(row.metrics.get(name), row.errors.get(name), digits)


def single_table(row: Trial, metrics: Sequence[str], title: str, marked: Collection[str] = ()) -> Table:
    """One row, a line for each metric and drawn parameter; ``marked`` as in :func:`trial_table`."""
    table = plain_table(title)
    table.show_header = False
    table.add_column()
    table.add_column()
    table.add_row("trial", escape(f"{row.label}{MARK if row.label in marked else ''}"))
    for name in recorded(metrics, [row]):
        table.add_row(name, f"[bold]{metric(row, name)}[/bold]")
    for name, value in row.params.items():
        table.add_row(name, escape(value_of(value)))
    return table


def recorded(metrics: Sequence[str], rows: Sequence[Trial]) -> list[str]:
    """The metrics that any of the rows has, once each."""
    return [name for name in dict.fromkeys(metrics) if any(name in row.metrics for row in rows)]


def plain_table(title: str | None = None) -> Table:
    """An empty table in the look of all of them: no frame, so that 80 columns hold much."""
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        header_style="bold",
        box=None,
        padding=(0, GAP, 0, 0),
        pad_edge=False,
    )


def _cell(column: Column, index: int, row: Trial, best: Mapping[str, float | None]) -> str:
    text = escape(column.cells[index])
    value = row.metrics.get(column.name)
    return f"[bold]{text}[/bold]" if value is not None and value == best.get(column.name) else text


def _best(name: str, rows: Iterable[Trial]) -> float | None:
    values = [row.metrics[name] for row in rows if name in row.metrics]
    metric = metric_of(name, METRICS)
    if not values or metric is None or metric.goal is None:
        return None
    return max(values) if metric.goal == "maximize" else min(values)

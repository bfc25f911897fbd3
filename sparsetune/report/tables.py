"""Trials as tables: for the terminal, and as rows of plain values for files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from sparsetune.config.messages import Trial
from sparsetune.config.metrics import METRICS

_GAP = 2  # characters between two columns


def trial_row(trial: Trial) -> dict[str, Any]:
    """A trial as the listings name it: number, state, params, values, metrics, reason."""
    return {
        "number": trial.number,
        "state": trial.state,
        "params": trial.params,
        "values": list(trial.values),
        "metrics": trial.metrics,
        "reason": trial.reason,
        "started_ms": trial.started_ms,
        "ended_ms": trial.ended_ms,
    }


def flat_row(trial: Trial) -> dict[str, Any]:
    """One row of a CSV: ``params.`` and ``metrics.`` before the names, as in MLflow's table."""
    return {
        "number": trial.number,
        "state": trial.state,
        **{f"params.{name}": value for name, value in trial.params.items()},
        **{f"metrics.{name}": value for name, value in trial.metrics.items()},
        "reason": trial.reason,
    }


def trial_table(trials: Sequence[Trial], metrics: Sequence[str], title: str, width: int) -> Table:
    """Number, metrics and drawn parameters of each trial; the best value of each metric is bold.

    Parameters that do not fit into ``width`` characters are left out, and the caption says so.
    """
    columns = [("trial", "", [str(trial.number) for trial in trials])]
    for name in known(metrics, trials):
        best = _best(name, trials)
        values = [trial.metrics.get(name) for trial in trials]
        columns.append((name, "", [_bold(number(value), value == best) for value in values]))
    fixed = len(columns)
    for name in dict.fromkeys(name for trial in trials for name in trial.params):
        cells = [number(trial.params.get(name)) for trial in trials]
        columns.append((name.rpartition(".")[2], "cyan", cells))
    room = width
    shown = []
    for index, column in enumerate(columns):
        room -= _width(column[0], column[2]) + _GAP
        if room >= 0 or index < fixed:
            shown.append(column)
    left_out = len(columns) - len(shown)
    table = plain_table(title)
    if left_out:
        table.caption = f"parameters left out: {left_out}; a wider terminal, or sparsetune best, shows them"
        table.caption_justify = "left"
    wide = sum(max(len(name), _width(name, cells)) + _GAP for name, _, cells in shown) <= width
    for name, style, cells in shown:
        room = max(len(name), _width(name, cells)) if wide else _width(name, cells)
        table.add_column(heading(name), justify="right", style=style, width=room)
    for row in zip(*(column[2] for column in shown), strict=True):
        table.add_row(*row)
    return table


def single_table(trial: Trial, metrics: Sequence[str], title: str) -> Table:
    """One trial, a line for each metric and drawn parameter."""
    table = plain_table(title)
    table.show_header = False
    table.add_column(style="dim")
    table.add_column()
    table.add_row("trial", str(trial.number))
    for name in known(metrics, [trial]):
        table.add_row(name, f"[bold]{number(trial.metrics.get(name))}[/bold]")
    for name, value in trial.params.items():
        table.add_row(name, f"[cyan]{number(value)}[/cyan]")
    return table


def known(metrics: Sequence[str], trials: Sequence[Trial]) -> list[str]:
    """The metrics that any of the trials has, once each."""
    return [name for name in dict.fromkeys(metrics) if any(name in trial.metrics for trial in trials)]


def plain_table(title: str | None = None) -> Table:
    """An empty table in the look of all of them: no frame, so that 80 columns hold much."""
    return Table(
        title=title, title_justify="left", title_style="bold", header_style="dim", box=None, padding=(0, _GAP, 0, 0)
    )


def heading(name: str) -> str:
    """A name that may break at its underscores."""
    return name.replace("_", " ")


def number(value: Any) -> str:
    """A value in few characters: three significant digits; no markup."""
    return "" if value is None else f"{value:.3g}" if isinstance(value, float) else escape(str(value))


def _width(name: str, cells: Iterable[str]) -> int:
    """Characters that a column needs: its longest word or cell."""
    plain = (cell.removeprefix("[bold]").removesuffix("[/bold]") for cell in cells)
    return max(len(text) for text in (*name.split("_"), *plain))


def _best(name: str, trials: Iterable[Trial]) -> float | None:
    values = [trial.metrics[name] for trial in trials if name in trial.metrics]
    if not values or name not in METRICS or METRICS[name].goal is None:
        return None
    return max(values) if METRICS[name].goal == "maximize" else min(values)


def _bold(text: str, bold: bool) -> str:
    return f"[bold]{text}[/bold]" if bold and text else text

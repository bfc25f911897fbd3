"""Trials as tables: for the terminal, and as rows of plain values for files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from sparsetune.config.messages import Trial
from sparsetune.config.metrics import METRICS
from sparsetune.layout.columns import GAP, Column, fitting, widths
from sparsetune.layout.text import heading, number


def trial_row(trial: Trial) -> dict[str, Any]:
    """A trial as the listings name it: number, state, params, values, metrics, reason, notes."""
    return {
        "number": trial.number,
        "state": trial.state,
        "params": trial.params,
        "values": list(trial.values),
        "metrics": trial.metrics,
        "reason": trial.reason,
        "notes": trial.notes,
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


def trial_table(trials: Sequence[Trial], metrics: Sequence[str], title: str | None, width: int) -> Table:
    """Number, metrics and drawn parameters of each trial; the best value of each metric is bold.

    What does not fit into ``width`` characters is left out, parameters first, and the caption says so.
    """
    columns = [
        Column("trial", [str(trial.number) for trial in trials]),
        *(Column(name, [number(trial.metrics.get(name)) for trial in trials]) for name in known(metrics, trials)),
    ]
    params = [
        Column(name.rpartition(".")[2], [number(trial.params.get(name)) for trial in trials])
        for name in dict.fromkeys(name for trial in trials for name in trial.params)
    ]
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
    best = {name: _best(name, trials) for name in metrics}
    for index, trial in enumerate(trials):
        table.add_row(*(_cell(column, index, trial, best) for column in shown))
    return table


def single_table(trial: Trial, metrics: Sequence[str], title: str) -> Table:
    """One trial, a line for each metric and drawn parameter."""
    table = plain_table(title)
    table.show_header = False
    table.add_column()
    table.add_column()
    table.add_row("trial", str(trial.number))
    for name in known(metrics, [trial]):
        table.add_row(name, f"[bold]{number(trial.metrics.get(name))}[/bold]")
    for name, value in trial.params.items():
        table.add_row(name, escape(number(value)))
    return table


def known(metrics: Sequence[str], trials: Sequence[Trial]) -> list[str]:
    """The metrics that any of the trials has, once each."""
    return [name for name in dict.fromkeys(metrics) if any(name in trial.metrics for trial in trials)]


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


def _cell(column: Column, index: int, trial: Trial, best: Mapping[str, float | None]) -> str:
    text = escape(column.cells[index])
    value = trial.metrics.get(column.name)
    return f"[bold]{text}[/bold]" if value is not None and value == best.get(column.name) else text


def _best(name: str, trials: Iterable[Trial]) -> float | None:
    values = [trial.metrics[name] for trial in trials if name in trial.metrics]
    if not values or name not in METRICS or METRICS[name].goal is None:
        return None
    return max(values) if METRICS[name].goal == "maximize" else min(values)

"""Trials as tables: for the terminal, and as rows of plain values for files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.table import Table

from sparsetune.config.messages import Trial
from sparsetune.config.metrics import METRICS


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


def trial_table(trials: Sequence[Trial], metrics: Sequence[str], title: str) -> Table:
    """Number, metrics and drawn parameters of each trial; the best value of each metric is bold."""
    table = plain_table(title)
    table.add_column("trial", justify="right")
    for name in metrics:
        table.add_column(heading(name), justify="right")
    names = list(dict.fromkeys(name for trial in trials for name in trial.params))
    for name in names:
        table.add_column(heading(name.rpartition(".")[2]), justify="right", style="cyan")
    best = {name: _best(name, trials) for name in metrics}
    for trial in trials:
        cells = [_cell(trial.metrics.get(name), trial.metrics.get(name) == best[name]) for name in metrics]
        table.add_row(str(trial.number), *cells, *(_cell(trial.params.get(name), False) for name in names))
    return table


def plain_table(title: str | None = None) -> Table:
    """An empty table in the look of all of them: no frame, so that 80 columns hold much."""
    return Table(title=title, title_justify="left", title_style="bold", header_style="dim", box=None, padding=(0, 1))


def heading(name: str) -> str:
    """A name that may break at its underscores."""
    return name.replace("_", " ")


def _best(name: str, trials: Iterable[Trial]) -> float | None:
    values = [trial.metrics[name] for trial in trials if name in trial.metrics]
    if not values or name not in METRICS or METRICS[name].goal is None:
        return None
    return max(values) if METRICS[name].goal == "maximize" else min(values)


def _cell(value: Any, bold: bool) -> str:
    text = "" if value is None else f"{value:.3g}" if isinstance(value, float) else str(value)
    return f"[bold]{text}[/bold]" if bold and text else text

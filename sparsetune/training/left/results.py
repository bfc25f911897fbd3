"""A trial's rows as the files that AST's original writes: one JSON document, and one JSON line an epoch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from sparsetune.base.messages import Metrics, Result, Row

_HISTORY = {
    "train_acc": "train_accuracy",
    "val_acc": "val_accuracy",
    "energy_savings": "energy_savings",
    "activation_rate": "activation_rate",
    "time_min": "time_min",
    "threshold": "threshold",
    "step_time_ms": "step_time_ms",
    "est_energy_kj": "est_energy_kj",
    "est_flops_g": "est_flops_g",
}  # the original's name: ours
_PLACE = tuple(each.name for each in fields(Row) if each.name != "metrics")


def final_results(rows: Sequence[Row], metrics: Metrics) -> dict[str, Any]:
    """The original's ``final_results.json``: fractions, hours, and lists of equal length with epochs from 0.

    A number that the trial does not have (no ``gpu_tdp_watts``, another method) is null. ``metrics`` are the trial's
    own, as every listing shows them.
    """
    history: dict[str, list[float | None]] = {"epoch": [row.epoch - 1 for row in rows]}
    for theirs, ours in _HISTORY.items():
        history[theirs] = [row.metrics.get(ours) for row in rows]
    last = rows[-1].metrics if rows else {}
    return {
        "best_accuracy": max(
            (row.metrics["val_accuracy"] for row in rows if "val_accuracy" in row.metrics), default=None
        ),
        "total_time_hours": last["time_min"] / 60 if last else 0.0,
        "epochs_completed": len(rows),
        "training_history": history,
        "est_energy_kj_total": last.get("est_energy_kj"),
        "est_flops_g_total": last.get("est_flops_g"),
        "metrics": metrics,
    }


def results_table(results: Sequence[Result]) -> str:
    """A table with a line for each result, as MLflow shows them: which state it is of, and its numbers."""
    names = list(dict.fromkeys(name for each in results for name in each.metrics))
    lines = [
        [each.stage, each.which, each.epoch, each.iterations, *(each.metrics.get(name) for name in names)]
        for each in results
    ]
    return json.dumps({"columns": ["stage", "which", "epoch", "iterations", *names], "data": lines})


def json_lines(rows: Sequence[Row]) -> str:
    """One line an epoch: epoch, timestamp in ms, place in the plan, and every metric."""
    return "".join(json.dumps({**{name: getattr(row, name) for name in _PLACE}, **row.metrics}) + "\n" for row in rows)


def read_json_lines(path: Path) -> tuple[Row, ...]:
    """The rows that :func:`json_lines` wrote; none if there is no such file."""
    if not path.exists():
        return ()
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    places = [{name: entry.pop(name) for name in _PLACE if name in entry} for entry in entries]
    return tuple(Row(**place, metrics=entry) for place, entry in zip(places, entries, strict=True))

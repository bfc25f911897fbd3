"""A run's epochs as the CSV that the original of strong lottery tickets writes, and a key to its columns.

Its columns in its order, but accuracies are fractions (there per cent) and sizes are bytes (there text such as 1.0MB).
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sparsetune.base.messages import Metrics, Row
from sparsetune.config.metrics import METRICS

_SIZES = ("bytes_seed_mask", "bytes_bitmask")  # the first that the method has


def results_csv(rows: Sequence[Row], start: Metrics, metrics: Metrics) -> str:
    """A line an epoch, the first of the state before training; a cell is empty where there is no such number.

    Args:
        start: the numbers before the first epoch.
        metrics: of the run at its end; only from here comes ``test_acc``, which the last line alone has.
    """
    names = _names(metrics)
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(names)
    lines = [(0, start), *((row.epoch, row.metrics) for row in rows)]
    for number, (epoch, found) in enumerate(lines):
        tested = number == len(lines) - 1
        given = {name: value for name, value in found.items() if name != "test_accuracy"}
        given |= {"epoch": epoch} | ({"test_accuracy": metrics["test_accuracy"]} if tested else {})
        writer.writerow([_cell(given.get(name), name) for name in names.values()])
    return file.getvalue()


def results_units(metrics: Metrics, *, last: int, kept: int) -> str:
    """JSON: for each column the name that its number has here, its unit and its definition.

    Args:
        metrics: of the run at its end.
        last: the last epoch.
        kept: the epoch whose state the run keeps, and ``test_acc`` is of.
    """
    told: dict[str, dict[str, Any]] = {column: _told(name) for column, name in _names(metrics).items()}
    beside = f"all else in the last line is of the state after epoch {last}"
    rest = "as all of the last line" if kept == last else f"which the run keeps (training.keep: best); {beside}"
    told["test_acc"]["of"] = f"the state after epoch {kept}, {rest}"
    return json.dumps(told, indent=1) + "\n"


def _names(metrics: Mapping[str, float]) -> dict[str, str]:
    """The name of its number here, by column."""
    return {
        "epoch": "epoch",
        "val_acc": "val_accuracy",
        "test_acc": "test_accuracy",
        "model_size": next(name for name in _SIZES if name in metrics),
        "aPE": "ape",
        "ECE": "ece",
        "FLOPs": "flops",
        "MACs": "macs",
    }


def _told(name: str) -> dict[str, Any]:
    if name == "epoch":
        return {"name": name, "unit": "epochs", "definition": "epochs trained; 0 is the state before training"}
    metric = METRICS[name]
    return {"name": name, "unit": metric.unit, "definition": metric.definition}


def _cell(value: float | None, name: str) -> str:
    if value is None:
        return ""
    counted = name == "epoch" or METRICS[name].unit in ("bytes", "FLOP", "MAC")
    return f"{value:.0f}" if counted else repr(value)

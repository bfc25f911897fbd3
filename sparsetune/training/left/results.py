"""A run's rows and results as files: our own JSON, and formats of published programs (``sparsity/formats.py``)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from sparsetune.base.messages import Metrics, Result, Row
from sparsetune.config.metrics import Metric
from sparsetune.sparsity.formats import AST_LAB

Columns = Mapping[str, str]  # the names of our numbers by those of the columns
_POSITION = tuple(each.name for each in fields(Row) if each.name != "metrics")
_TESTED = "test_accuracy"


def final_results(rows: Sequence[Row], metrics: Metrics) -> dict[str, Any]:
    """The ``final_results.json`` of AST's original: fractions, hours, and lists of equal length with epochs from 0.

    A number that the trial does not have (no ``gpu_tdp_watts``, another method) is null. ``metrics`` are the trial's
    own, as every listing shows them.
    """
    of_rows = [row.metrics for row in rows]
    history: dict[str, list[float | None]] = {"epoch": [row.epoch - 1 for row in rows]}
    history |= {theirs: [each.get(ours) for each in of_rows] for theirs, ours in AST_LAB.items()}
    last = of_rows[-1] if rows else {}
    return {
        "best_accuracy": max((each for each in history["val_acc"] if each is not None), default=None),
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
    """One line an epoch: epoch, timestamp in ms, position in the plan, and every metric."""
    lines = [{**{name: getattr(row, name) for name in _POSITION}, **row.metrics} for row in rows]
    return "".join(json.dumps(line) + "\n" for line in lines)


def read_json_lines(path: Path) -> tuple[Row, ...]:
    """The rows that :func:`json_lines` wrote; none if there is no such file."""
    if not path.exists():
        return ()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    positions = [{name: line.pop(name) for name in _POSITION if name in line} for line in lines]
    return tuple(Row(**position, metrics=line) for position, line in zip(positions, lines, strict=True))


def columns_of(table: Mapping[str, Sequence[str]], metrics: Metrics) -> Columns:
    """For each column of a method's table the first of its numbers that the run has at its end, else the last."""
    return {column: next((name for name in names if name in metrics), names[-1]) for column, names in table.items()}


def results_csv(
    columns: Columns, rows: Sequence[Row], start: Metrics, metrics: Metrics, table: Mapping[str, Metric]
) -> str:
    """A line an epoch, the first of the state before training; a cell is empty where there is no such number.

    Args:
        start: the numbers before the first epoch.
        metrics: of the run at its end; only from here comes ``test_accuracy``, which the last line alone has.
        table: of all metrics.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    lines = [{**start, "epoch": 0}, *({**row.metrics, "epoch": row.epoch} for row in rows)]
    for line in lines:
        line.pop(_TESTED, None)
    lines[-1][_TESTED] = metrics[_TESTED]
    writer.writerows([_cell(line.get(name), name, table) for name in columns.values()] for line in lines)
    return file.getvalue()


def results_units(columns: Columns, table: Mapping[str, Metric], *, last: int, kept: int) -> str:
    """JSON: for each column the name that its number has here, its unit and its definition.

    Args:
        table: of all metrics.
        last: the last epoch.
        kept: the epoch whose state the run keeps, and ``test_accuracy`` is of.
    """
    beside = f"all else in the last line is of the state after epoch {last}"
    rest = "as all of the last line" if kept == last else f"which the run keeps (training.keep: best); {beside}"
    of = {_TESTED: {"of": f"the state after epoch {kept}, {rest}"}}
    epoch = {"unit": "epochs", "definition": "epochs trained; 0 is the state before training"}
    units = {
        name: {"unit": table[name].unit, "definition": table[name].definition}
        for name in columns.values()
        if name != "epoch"
    }
    told = {column: {"name": name, **units.get(name, epoch), **of.get(name, {})} for column, name in columns.items()}
    return json.dumps(told, indent=1) + "\n"


def _cell(value: float | None, name: str, table: Mapping[str, Metric]) -> str:
    if value is None:
        return ""
    counted = name == "epoch" or table[name].unit in ("bytes", "FLOP", "MAC")
    return f"{value:.0f}" if counted else repr(value)

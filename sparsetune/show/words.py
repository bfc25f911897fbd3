"""Small pieces of what is printed: tables, command lines, what a metric means."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from sparsetune.base.messages import Trial
from sparsetune.config.metrics import METRICS, Metric
from sparsetune.report.tables import plain_table

BESIDE = ("val_accuracy", "test_accuracy", "activation_rate")  # shown beside the objectives, where trials have them
_MEANINGS = {
    "val_accuracy": "fraction of validation samples it gets right",
    "val_loss": "mean cross entropy on the validation samples",
    "compute_saved": "fraction of dense training's FLOPs saved; below 0 it took more",
    "test_accuracy": "fraction of test samples it gets right; chooses nothing",
    "activation_rate": "fraction of samples that the last epoch trained on",
    "mc_macs": "multiply-accumulates of a prediction, all its Monte Carlo samples together",
    "macs": "multiply-accumulates of the network for one sample, by its mask",
    "ece": "calibration error: how far confidence is from accuracy, a fraction",
    "ape": "nats: how unsure it is of images of noise",
    "bytes_seed_mask": "bytes of a ticket: the seed, a bit a weight, running statistics",
}  # short; `sparsetune metrics` has the definitions


def listing(*heads: str, right: Iterable[str] = (), title: str | None = None) -> Table:
    """An empty table with these columns; those on the ``right`` are flush right."""
    table, flush = plain_table(title), set(right)
    for head in heads:
        table.add_column(head, justify="right" if head in flush else "left")
    return table


def document(content: Any) -> None:
    """Print what ``--json`` asks for."""
    print(json.dumps(content, indent=1))


def meaning(metric: str, table: Mapping[str, Metric] = METRICS) -> str:
    """What a metric is, on one short line; empty where the table does not have it."""
    if metric in _MEANINGS or metric not in table:
        return _MEANINGS.get(metric, "")
    first = table[metric].definition.partition(";")[0]
    unit = table[metric].unit
    return f"{unit}: {first}" if unit else first


def of_replicates(rows: Sequence[Trial]) -> str:
    """What ± means in these rows; nothing where no row has an error."""
    counts = {len(row.runs) for row in rows if row.errors}
    if not counts:
        return ""
    few, many = min(counts), max(counts)
    return f"± is the standard error of the mean of {few if few == many else f'{few} to {many}'} replicates"


def picked(row: Trial) -> list[object]:
    """The options that choose a row of a study."""
    return ["--trial", row.number, *(["--branch", row.branch] if row.branch else [])]


def command_line(*words: object) -> str:
    """A command line that can be pasted: with the path of this program where the shell would not find it."""
    return shlex.join([*_program(), *map(str, words)])


def _program() -> list[str]:
    if shutil.which("sparsetune"):
        return ["sparsetune"]
    folder = os.path.relpath(Path(sys.executable).parent)  # where pip puts it, whatever has started this process
    program, python = (f"{folder}/{name}" for name in ("sparsetune", Path(sys.executable).name))
    return [program] if Path(program).is_file() else [python, "-m", "sparsetune"]

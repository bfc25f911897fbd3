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
from rich.text import Text

from sparsetune.base.messages import Trial
from sparsetune.config.metrics import Metric
from sparsetune.report.tables import plain_table
from sparsetune.sparsity.methods import METRICS


def beside(table: Mapping[str, Metric] = METRICS) -> list[str]:
    """The metrics that are shown beside the objectives, where trials have them."""
    return [name for name, each in table.items() if each.beside]


def listing(*heads: str, right: Iterable[str] = (), title: str | None = None) -> Table:
    """An empty table with these columns; those on the ``right`` are flush right."""
    table, flush = plain_table(title), set(right)
    for head in heads:
        table.add_column(head, justify="right" if head in flush else "left")
    return table


def pairs(rows: Iterable[tuple[str, str]], style: str = "") -> Table:
    """Words and what is said of each, below one another; without those of which nothing is said."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style=style, no_wrap=True)
    table.add_column(overflow="fold")
    for word, said in rows:
        if said:
            table.add_row(word, Text(said))
    return table


def document(content: Any) -> None:
    """Print what ``--json`` asks for."""
    print(json.dumps(content, indent=1))


def meaning(metric: str, table: Mapping[str, Metric] = METRICS) -> str:
    """What a metric is, on one short line; empty where the table does not have it."""
    if metric not in table:
        return ""
    each = table[metric]
    return each.short or ": ".join(filter(None, (each.unit, each.definition.partition(";")[0])))


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

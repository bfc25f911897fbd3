"""Runs of a study in the columns of the program that their method comes from."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sparsetune.base.messages import Run, Trial
from sparsetune.config.overrides import flatten


def original_csv(study: str, rows: Sequence[Trial], columns: Mapping[str, str]) -> str:
    """A line for each run that is complete: of each trial, branch and seed.

    Args:
        rows: of each trial, one for each branch.
        columns: our dotted setting, or number, by the name of the column; a cell is empty where a run has none.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        for run in row.runs:
            if run.state == "COMPLETE":
                values = _values(study, row, run)
                writer.writerow([_cell(values.get(name)) for name in columns.values()])
    return buffer.getvalue()


def _values(study: str, row: Trial, run: Run) -> dict[str, Any]:
    started = datetime.fromtimestamp(row.started_ms / 1000, UTC).isoformat() if row.started_ms else None
    minutes = run.metrics.get("time_min")
    return {
        **flatten(row.config),
        **run.metrics,
        "number": " ".join(filter(None, [str(row.number), run.key.branch])),
        "study": study,
        "started": started,
        "seconds": None if minutes is None else 60 * minutes,
        "seed": run.key.seed,
    }


def _cell(value: Any) -> Any:
    return "" if value is None else value

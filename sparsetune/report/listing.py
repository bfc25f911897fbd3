"""Rows of a study as plain values, the same names everywhere: JSON, CSV, DataFrames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sparsetune.base.messages import Trial
from sparsetune.config.study.rows import replicate_rows

if TYPE_CHECKING:
    import pandas as pd

PLAIN: frozenset[str] = frozenset()
_FIELDS = (
    "number", "branch", "seed", "state", "feasible", "params", "values", "metrics", "errors", "reason", "notes",
    "started_ms", "ended_ms",
)  # fmt: skip
_NO_COLUMNS = ("values", "notes", "started_ms", "ended_ms")
_SPECIAL: dict[str, Any] = {"branch": "", "seed": None, "feasible": True, "errors": {}}  # and what says nothing


def with_replicates(rows: Iterable[Trial]) -> list[Trial]:
    """Each row, and below it its replicates."""
    return [each for row in rows for each in (row, *replicate_rows(row))]


def special(rows: Sequence[Trial]) -> frozenset[str]:
    """Which of the fields that few studies need say something of any of these rows."""
    return frozenset(name for name, plain in _SPECIAL.items() if any(getattr(row, name) != plain for row in rows))


def trial_row(row: Trial, fields: frozenset[str] = PLAIN) -> dict[str, Any]:
    """A row as the listings name it: number, state, params, values, metrics, reason, notes; and those ``fields``."""
    named = {name: getattr(row, name) for name in _FIELDS if name not in _SPECIAL or name in fields}
    return named | {"values": list(row.values)}


def result_rows(row: Trial) -> list[dict[str, Any]]:
    """The results of each run of a row that has ended: whose and of which stage they are, and their metrics.

    A run with one result has it at its end: where that is its rows say.
    """
    return [
        {
            "number": row.number,
            "branch": run.key.branch,
            "seed": run.key.seed,
            "result": number,
            "stage": each.stage if each else "",
            "which": each.which if each else "",
            "epoch": each.epoch if each else None,
            "iterations": each.iterations if each else None,
            "params": row.params,
            "metrics": each.metrics if each else run.metrics,
        }
        for run in row.runs
        if run.state == "COMPLETE"
        for number, each in enumerate(run.results or (None,), 1)
    ]


def flat_row(row: Trial, fields: frozenset[str] = PLAIN) -> dict[str, Any]:
    """One row of a CSV: ``params.`` and ``metrics.`` before the names, as in MLflow's table."""
    return _flattened({name: value for name, value in trial_row(row, fields).items() if name not in _NO_COLUMNS})


def _flattened(row: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in row.items():
        flat |= {f"{name}.{key}": each for key, each in value.items()} if isinstance(value, Mapping) else {name: value}
    return flat


def trials_csv(rows: Sequence[Trial]) -> str:
    """One line a row, below it one for each replicate of several; one column a parameter or metric.

    A cell is empty where a row has no such thing, ``seed`` where the line is no replicate.
    """
    return trials_frame(with_replicates(rows)).to_csv(index=False)


def results_csv(results: Sequence[Mapping[str, Any]]) -> str:
    """One line a result; one column a parameter or metric, empty where a result has no such thing."""
    import pandas as pd

    return pd.DataFrame(list(map(_flattened, results))).to_csv(index=False)


def trials_frame(rows: Sequence[Trial]) -> pd.DataFrame:
    """These rows as a DataFrame; NaN where a row has no such thing. The index is the trial's number."""
    import pandas as pd

    always = ["number", "state", "reason"]
    fields = special(rows)
    frame = pd.DataFrame([flat_row(row, fields) for row in rows], columns=None if rows else always)
    if "seed" in frame:
        frame["seed"] = frame["seed"].astype("Int64")  # a whole number, or nothing
    frame.index = pd.Index([row.number for row in rows], dtype="int64")
    return frame

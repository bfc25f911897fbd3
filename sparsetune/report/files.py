"""Rows of a study as files and as DataFrames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sparsetune.base.messages import Trial
from sparsetune.report.listing import flat_row, special, with_replicates

if TYPE_CHECKING:
    import pandas as pd


def trials_csv(rows: Sequence[Trial]) -> str:
    """One line a row, below it one for each replicate of several; one column a parameter or metric.

    A cell is empty where a row has no such thing, ``seed`` where the line is no replicate.
    """
    return trials_frame(with_replicates(rows)).to_csv(index=False)


def results_csv(results: Sequence[Mapping[str, Any]]) -> str:
    """One line a result; one column a parameter or metric, empty where a result has no such thing."""
    import pandas as pd

    flat = [
        {
            name if key is None else f"{name}.{key}": value
            for name, cell in line.items()
            for key, value in (cell.items() if isinstance(cell, Mapping) else [(None, cell)])
        }
        for line in results
    ]
    return pd.DataFrame(flat).to_csv(index=False)


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

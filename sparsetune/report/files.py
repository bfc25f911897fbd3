"""Trials as files and as DataFrames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sparsetune.config.messages import Trial
from sparsetune.report.tables import flat_row

if TYPE_CHECKING:
    import pandas as pd


def trials_csv(trials: Sequence[Trial]) -> str:
    """One row a trial, one column a parameter or metric; empty where a trial has none."""
    return trials_frame(trials).to_csv(index=False)


def trials_frame(trials: Sequence[Trial]) -> pd.DataFrame:
    """The same as a DataFrame; NaN where a trial has none."""
    import pandas as pd

    always = ["number", "state", "reason"]
    return pd.DataFrame([flat_row(trial) for trial in trials], columns=None if trials else always)

"""Trials as files."""

from __future__ import annotations

from collections.abc import Sequence

from sparsetune.config.messages import Trial
from sparsetune.report.tables import flat_row


def trials_csv(trials: Sequence[Trial]) -> str:
    """One row a trial, one column a parameter or metric; empty where a trial has none."""
    import pandas as pd

    return pd.DataFrame([flat_row(trial) for trial in trials]).to_csv(index=False)

"""What a study amounts to, for its parent run and its view. Knows nothing of MLflow itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sparsetune.base.messages import Trial
from sparsetune.config.study.winners import Winners


@dataclass(frozen=True)
class Answer:
    """The study as it stands.

    Attributes:
        counts: trials by state.
        rows: of its table: a row for each branch of each trial.
        won: the best of them.
        matter: drawn parameters by Optuna's importance for the objectives, the most important one first.
    """

    counts: Mapping[str, int]
    rows: tuple[Trial, ...]
    won: Winners
    matter: tuple[str, ...] = ()

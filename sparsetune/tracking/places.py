"""Which runs a trial has in MLflow: one for each row of the tables, and below it one for each replicate of several."""

from __future__ import annotations

from typing import NamedTuple

from sparsetune.config.messages import Key, Trial
from sparsetune.config.views import branch_rows, replicate_rows


class Place(NamedTuple):
    """A run of MLflow: of a row if ``seed`` is None, else of one replicate of that row."""

    number: int
    branch: str = ""
    seed: int | None = None

    @property
    def row(self) -> Place:
        """That of the row to which a replicate belongs."""
        return self._replace(seed=None)

    @property
    def name(self) -> str:
        """``trial 3``, ``trial 3 mc_samples=5``, ``trial 3 seed 1``."""
        seed = [] if self.seed is None else [f"seed {self.seed}"]
        return " ".join([f"trial {self.number}", *([self.branch] if self.branch else []), *seed])


def views(trial: Trial) -> dict[Place, Trial]:
    """What each run of MLflow shows of a trial; a row comes before its replicates."""
    found = {}
    for row in branch_rows(trial):
        for each in (row, *replicate_rows(row)):
            found[Place(trial.number, each.branch, each.seed)] = each
    return found


def place_of(trial: Trial, key: Key) -> Place:
    """Where the rows and files of one run of a trial belong."""
    branch = key.branch if len(trial.branches) > 1 else ""
    replicated = len({run.key.seed for run in trial.runs}) > 1
    return Place(trial.number, branch, key.seed if replicated else None)

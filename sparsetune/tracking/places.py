"""Which runs a trial has in MLflow: one for each row of the tables, beside it one for each replicate of several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sparsetune.base.messages import Key, Row, Trial
from sparsetune.config.study.views import branch_rows, mean_rows, replicate_rows

# tags by which runs are found again, and with which they are closed
STUDY, STUDY_ID, RUN = (f"sparsetune.{name}" for name in ("study", "study_id", "run"))
TRIAL, BRANCH, SEED, RUNS = (f"sparsetune.{name}" for name in ("trial", "branch", "seed", "runs"))
STATE, REASON = (f"sparsetune.{name}" for name in ("state", "reason"))
# tags to filter and group by: study, trial, replicate or run; true on the front; which objectives a row is the best in
ROLE, METHOD = (f"sparsetune.{name}" for name in ("role", "method"))
FRONT, BEST, BROKEN = (f"sparsetune.{name}" for name in ("front", "best", "broken"))
NUMBER = "trial"  # a parameter: the trial's number, for charts, which know no tags
# what a run has not got: names and why; where its files lie; why they are not sent again (else the next start tries)
REFUSED, FILES_AT, FILES_REFUSED = (f"sparsetune.{name}" for name in ("refused", "files_at", "files_refused"))


def runs_of(uid: str) -> str:
    """A filter of MLflow's: the runs of the study with that identity."""
    return f"tags.`{STUDY_ID}` = '{uid}'"


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
    def role(self) -> dict[str, str]:
        """The tag that tells rows from replicates."""
        return {ROLE: "trial" if self.seed is None else "replicate"}

    @property
    def name(self) -> str:
        """In messages: ``trial 3``, ``trial 3 mc_samples=5``, ``trial 3 seed 1``."""
        seed = [] if self.seed is None else [f"seed {self.seed}"]
        return " ".join([f"trial {self.number}", *([self.branch] if self.branch else []), *seed])

    def tags(self, runs: int) -> dict[str, str]:
        """What :func:`place_in` finds it by; ``runs`` is how many its trial has in all."""
        said = {
            **self.role,
            TRIAL: str(self.number),
            BRANCH: self.branch,
            SEED: "" if self.seed is None else str(self.seed),
            RUNS: str(runs) if runs > 1 else "",
        }
        return {tag: value for tag, value in said.items() if value}


def place_in(tags: Mapping[str, str]) -> Place | None:
    """The place that a run's tags name; None for a study's parent run."""
    if TRIAL not in tags:
        return None
    return Place(int(tags[TRIAL]), tags.get(BRANCH, ""), int(tags[SEED]) if SEED in tags else None)


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


def rows_of_places(trial: Trial, rows: Mapping[Key, tuple[Row, ...]]) -> dict[Place, tuple[Row, ...]]:
    """The epochs of each run of MLflow; a row of several replicates has their means."""
    found = {place_of(trial, key): each for key, each in rows.items()}
    for place in dict.fromkeys(place.row for place in found if place.seed is not None):
        found[place] = mean_rows([each for other, each in found.items() if other.row == place])
    return found

"""Which runs a trial has in MLflow: one for each row of the tables, beside it one for each replicate of several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sparsetune.base.messages import Key, Row, Trial
from sparsetune.config.study.rows import branch_rows, mean_rows, replicate_rows

# tags by which runs are found again, and with which they are closed
STUDY = "sparsetune.study"
STUDY_ID = "sparsetune.study_id"
RUN = "sparsetune.run"
TRIAL = "sparsetune.trial"
BRANCH = "sparsetune.branch"
SEED = "sparsetune.seed"
RUNS = "sparsetune.runs"
STATE = "sparsetune.state"
REASON = "sparsetune.reason"
# tags to filter and group by: study, trial, replicate or run; true on the front; which objectives a row is the best in
ROLE = "sparsetune.role"
METHOD = "sparsetune.method"
FRONT = "sparsetune.front"
BEST = "sparsetune.best"
BROKEN = "sparsetune.broken"
NUMBER = "trial"  # a parameter: the trial's number, for charts, which know no tags
# what a run has not got: names and why; where its files lie; why they are not sent again (else the next start tries)
REFUSED = "sparsetune.refused"
FILES_AT = "sparsetune.files_at"
FILES_REFUSED = "sparsetune.files_refused"


def runs_of(uid: str) -> str:
    """A filter of MLflow's: the runs of the study with that identity."""
    return f"tags.`{STUDY_ID}` = '{uid}'"


@dataclass(frozen=True)
class Owner:
    """Whose runs they are.

    Attributes:
        study: its name, which its experiment had at first; None: single runs, told apart by their own tag.
        tags: of every run that is created; the one of the identity holds no quotes.
    """

    study: str | None
    tags: Mapping[str, str]

    @property
    def mine(self) -> str:
        """A condition on runs."""
        if self.study is None:
            return f"tags.`{RUN}` = '{self.tags[RUN]}'"
        return runs_of(self.tags[STUDY_ID])

    @property
    def of_others(self) -> str:
        """A condition on runs: that they are of another study."""
        return f"tags.`{STUDY_ID}` != '{self.tags[STUDY_ID]}'"

    def with_identity(self, name: str) -> str:
        """What an experiment is called whose name another study's has; empty for single runs."""
        return f"{name} {self.tags[STUDY_ID]}" if self.study is not None else ""


class RunKey(NamedTuple):
    """A run of MLflow: of a row if ``seed`` is None, else of one replicate of that row."""

    number: int
    branch: str = ""
    seed: int | None = None

    @property
    def row(self) -> RunKey:
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
        """What :func:`run_key_in` finds it by; ``runs`` is how many its trial has in all."""
        tags = {**self.role, TRIAL: str(self.number)}
        tags |= {BRANCH: self.branch} if self.branch else {}
        tags |= {} if self.seed is None else {SEED: str(self.seed)}
        return tags | ({RUNS: str(runs)} if runs > 1 else {})


def run_key_in(tags: Mapping[str, str]) -> RunKey | None:
    """The key that a run's tags name; None for a study's parent run."""
    if TRIAL not in tags:
        return None
    return RunKey(int(tags[TRIAL]), tags.get(BRANCH, ""), int(tags[SEED]) if SEED in tags else None)


def run_key_of(trial: Trial, key: Key) -> RunKey:
    """Where the rows and files of one run of a trial belong."""
    branch = key.branch if len(trial.branches) > 1 else ""
    replicated = any(run.key.seed != trial.runs[0].key.seed for run in trial.runs)
    return RunKey(trial.number, branch, key.seed if replicated else None)


def shown_rows(trial: Trial) -> dict[RunKey, Trial]:
    """What each run of MLflow shows of a trial; a row comes before its replicates."""
    shown = {}
    for row in branch_rows(trial):
        for each in (row, *replicate_rows(row)):
            shown[RunKey(trial.number, each.branch, each.seed)] = each
    return shown


def rows_by_run(trial: Trial, rows: Mapping[Key, tuple[Row, ...]]) -> dict[RunKey, tuple[Row, ...]]:
    """The epochs of each run of MLflow; a row of several replicates has their means."""
    by_run = {run_key_of(trial, key): each for key, each in rows.items()}
    for key in [each for each in by_run if each.seed is not None]:
        if key.row not in by_run:
            by_run[key.row] = mean_rows([each for other, each in by_run.items() if other.row == key.row])
    return by_run

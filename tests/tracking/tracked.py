"""Trackers on a real SQLite store, and what they leave there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Run

from sparsetune.base.messages import Row, Trial
from sparsetune.base.paths import slug
from sparsetune.config.study.file import Objective
from sparsetune.config.study.front import best_rows
from sparsetune.tracking.mlflow import MlflowTracker
from sparsetune.tracking.outbox import FLUSH_SECONDS
from sparsetune.tracking.run_keys import RunKey, run_key_in
from sparsetune.tracking.subject import Answer, Subject

CONFIG = {"method": {"name": "ast", "kp": 0.1}, "model": {"hidden": [300, 100]}, "seed": 0, "long": "x" * 7000}
TAGS = {"sparsetune.study_id": "x", "mlflow.source.git.commit": "abc", "sparsetune.host": "here"}


def trial(number: int, state: str = "RUNNING", reason: str = "", **metrics: float) -> Trial:
    return Trial(number, state, {"method.kp": 0.1}, CONFIG, metrics, (), reason, 1_000, 9_000)  # type: ignore[arg-type]


def rows(first: int, last: int, at: int = 0) -> tuple[Row, ...]:
    return tuple(
        Row(epoch, at + 1000 * epoch, {"loss": 1 / epoch, "acc": epoch / 100}) for epoch in range(first, last + 1)
    )


def answer(*trials: Trial) -> Answer:
    """What these amount to; ``acc`` is to be high."""
    counts = dict(Counter(each.state for each in trials))
    return Answer(counts, trials, best_rows(trials, ["maximize"]))


class Watch:
    """Opens trackers on one experiment and looks at what they left."""

    def __init__(self, uri: str, experiment: str, folder: Path) -> None:
        self.uri, self.experiment, self.folder = uri, experiment, folder
        self.warnings: list[str] = []
        self.now = 0.0

    @property
    def subject(self) -> Subject:
        return Subject(self.experiment, (Objective(metric="acc", goal="maximize"),), source="studies/s.yaml")

    def open(self, *, identity: str = "", **others: object) -> MlflowTracker:
        """``identity``: of the study, which is known by it alone; another one for each experiment if none is given."""
        given: dict[str, Any] = {"study": self.experiment, "tags": TAGS, "subject": self.subject, **others}
        given["tags"] = {**given["tags"], "sparsetune.study_id": identity or slug(self.experiment)}
        return MlflowTracker(
            self.uri, self.experiment, self.folder, warn=self.warnings.append, clock=lambda: self.now, **given
        )

    def begin(self, tracker: MlflowTracker, number: int, *, resumed: bool = False) -> None:
        """A trial starts at a moment at which everything is sent."""
        self.now += FLUSH_SECONDS
        tracker.trial_started(trial(number), resumed=resumed)

    def all_runs(self) -> list[Run]:
        client = MlflowClient(self.uri)
        found = client.get_experiment_by_name(self.experiment)
        return list(client.search_runs([found.experiment_id]))

    def runs(self) -> dict[int, Run]:
        """By trial; each trial has one run."""
        numbered = [run for run in self.all_runs() if "sparsetune.trial" in run.data.tags]
        found = {int(run.data.tags["sparsetune.trial"]): run for run in numbered}
        assert len(found) == len(numbered), "a trial has two runs"
        return found

    def parent(self) -> Run:
        (parent,) = [run for run in self.all_runs() if "sparsetune.trial" not in run.data.tags]
        return parent

    def history(self, number: int, key: str) -> list[tuple[int, int, float]]:
        points = MlflowClient(self.uri).get_metric_history(self.runs()[number].info.run_id, key)
        return sorted((point.step, point.timestamp, point.value) for point in points)

    def steps(self, number: int, key: str) -> list[int]:
        return [step for step, _, _ in self.history(number, key)]

    def places(self) -> dict[RunKey, Run]:
        """By row and replicate; each has one run."""
        found = {}
        for run in self.all_runs():
            place = run_key_in(run.data.tags)
            if place is not None:
                assert place not in found, f"{place} has two runs"
                found[place] = run
        return found


def session(watch: Watch, script: str, failpoint: str = "") -> int:
    """Run a script in a process of its own, a driver; the exit code. It knows ``watch`` and what is in this file."""
    begin = (
        "import sys; from pathlib import Path; sys.path[:0] = [sys.argv[1], str(Path(sys.argv[1]).parent)]\n"
        "from tracked import *\n"
        "from sparsetune.base.messages import Key\n"
        "watch = Watch(sys.argv[2], sys.argv[3], Path(sys.argv[4]))\n"
        "tracker = watch.open()\n"
    )
    arguments = [str(Path(__file__).parent), watch.uri, watch.experiment, str(watch.folder)]
    environment = {**os.environ, "SPARSETUNE_FAILPOINT": failpoint}
    if not failpoint:
        del environment["SPARSETUNE_FAILPOINT"]
    command = [sys.executable, "-c", begin + script, *arguments]
    return subprocess.run(command, env=environment, check=False).returncode

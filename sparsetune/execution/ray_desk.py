"""Between Tune and a source of jobs: Tune asks for trials and brings results, the source says what is done."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import dropwhile
from pathlib import Path
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler
from ray.tune.search import Searcher

from sparsetune.base.messages import Job, Key, Report, Source
from sparsetune.execution.ray_workers import Parcel
from sparsetune.execution.worker import shortened

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_FRAME = re.compile(r' +File ".*", line \d+')
_FRAMED = re.compile(r"The actor is dead because .*?Worker exit detail: ")


class Desk:
    """What the two adapters below share: the source, which job each Tune trial does, and who died."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.running: dict[str, Job] = {}  # by Tune's trial id
        self.again: deque[Job] = deque()  # their worker died once
        self.died: set[Key] = set()
        self.exhausted = False
        self.error: Exception | None = None

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """Remember what the source raises."""
        try:
            yield
        except Exception as error:
            self.error = self.error or error
            raise

    def next_job(self) -> Job | None:
        if self.again:
            return self.again.popleft()
        if not self.exhausted:
            with self.keeping():
                job = self.source.next_job()
            self.exhausted = job is None
            return job
        return None

    def worker_died(self, trial_id: str, reason: str) -> None:
        """The job goes on in another worker once; Tune's own retry would fail a job that met an already dead one."""
        job = self.running.pop(trial_id)
        if job.key not in self.died:
            self.died.add(job.key)
            self.again.append(job)
        else:
            with self.keeping():
                self.source.lost(job.key, f"worker died twice: {reason}")


class Asking(Searcher):
    """Tune asks for trials; the source answers with jobs."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:  # type: ignore[override]
        job = self.desk.next_job()
        if job is None:
            return None if self.desk.running else Searcher.FINISHED  # a running one may have to start again
        self.desk.running[trial_id] = job
        return {"parcel": Parcel(job)}

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        self.desk.running.pop(trial_id, None)

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the source has its own storage."""

    def get_state(self) -> dict[str, Any]:
        return {}


class Judging(FIFOScheduler):
    """Tune brings results; the source says which job stops."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.desk = desk

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        report: Report = result["report"]
        with self.desk.keeping():
            stop = self.desk.source.receive(self.desk.running[trial.trial_id].key, report)
        decision: str = self.STOP if stop or report.last else self.CONTINUE
        return decision

    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:
        self.desk.worker_died(trial.trial_id, cause(Path(trial.error_file).read_text(encoding="utf-8")))

    def choose_trial_to_run(self, tune_controller: Any) -> None:
        """Leave the order to Tune's queue: FIFOScheduler reads the list of all trials twice at each step."""


def cause(text: str) -> str:
    """One line of Tune's error file: what ended a worker, without what Ray says around it."""
    lines = [line for line in _COLOUR.sub("", text).splitlines() if not line.startswith(("Failure #", "\t"))]
    frames = [index for index, line in enumerate(lines) if _FRAME.match(line)]
    if frames:  # of a traceback: the error stands behind the last one
        lines = list(dropwhile(lambda line: line.startswith(" "), lines[frames[-1] :]))
    said = " ".join(line.strip() for line in dict.fromkeys(lines)).strip()
    return shortened(_FRAMED.sub("", said))

"""The driver: hands jobs to the executor, takes reports, decides, and tells everyone who watches.

It knows Optuna, Ray and MLflow only through what it is given, and keeps one order at the end of a trial: files, then
the storage, then the observers, then the trial's folder goes. A kill between any two of these is made good at the
next start.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from sparsetune.config.disk import CannotWrite, disk_trouble
from sparsetune.config.messages import Job, Key, Metrics, Observer, Report, Row, Trial
from sparsetune.config.yaml_io import dump, write_atomic
from sparsetune.training.results import final_results, json_lines, read_json_lines

HISTORY = "history.jsonl"
STOP = "stop"  # in the folder of the study's trials: running jobs save their state and end
_LEFT = (
    "config.yaml", "final_results.json", HISTORY, "weights.safetensors", "layers.json", "trace.npz", "controller.png",
    "error.txt",
)  # fmt: skip


class TrialBook(Protocol):
    """Where trials are drawn and remembered (``search.ledger.Ledger``)."""

    def __len__(self) -> int: ...
    def trials(self) -> list[Trial]: ...
    def ask(self) -> Trial: ...
    def report(self, number: int, row: Row) -> bool: ...
    def tell(
        self, number: int, state: str, metrics: Metrics, reason: str = "", notes: Mapping[str, str] | None = None
    ) -> Trial: ...


@dataclass
class _Running:
    trial: Trial
    rows: list[Row] = field(default_factory=list)


class Driver:
    """One run of a study: a source of jobs for an executor."""

    def __init__(
        self,
        book: TrialBook,
        observers: Sequence[Observer],
        *,
        folder: Path,
        budget: int,
        objectives: Sequence[str],
        job_options: Mapping[str, Any],
        localise: Callable[[dict[str, Any]], dict[str, Any]],
        kept: Callable[[int], bool],
    ) -> None:
        """
        Args:
            folder: where each trial has a folder of its own.
            budget: trials in all, those of earlier runs included.
            objectives: names of the metrics that a complete trial must have.
            job_options: cadences and threads, as :class:`~sparsetune.config.messages.Job` names them.
            localise: a config with its paths made absolute.
            kept: whether all that a finished trial left is safe with the tracker, so that its folder can go.
        """
        self._book = book
        self._observers = observers
        self._folder = folder
        self._budget = budget
        self._objectives = objectives
        self._job_options = job_options
        self._localise = localise
        self._kept = kept
        self._running: dict[int, _Running] = {}
        self._leaving: set[int] = set()  # ended, with a folder that has not gone yet
        self._stop_file = folder / STOP
        self._stop_file.unlink(missing_ok=True)
        self._heard = True  # running jobs can see the stop file
        self.stopping = False
        self.trouble = ""  # what keeps a job from going on, when nobody asked it to stop
        self._cut_short = [trial for trial in book.trials() if trial.state == "RUNNING"]

    def next_job(self) -> Job | None:
        """A trial that was cut short, then new ones until the budget is spent."""
        self.sweep()
        if self.stopping:
            return None
        resumed = bool(self._cut_short)
        if resumed:
            trial = self._cut_short.pop(0)
        elif len(self._book) < self._budget:
            trial = self._book.ask()
        else:
            return None
        self._running[trial.number] = _Running(trial)
        for observer in self._observers:
            observer.trial_started(trial, resumed=resumed)
        key = Key(trial.number, trial.config["seed"])
        folder = str(self._trial_folder(trial.number))
        return Job(key, self._localise(trial.config), folder, stop_file=str(self._stop_file), **self._job_options)

    def stop(self) -> None:
        """Start no more jobs, and let the running ones save their state and end."""
        self.stopping = True
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._stop_file.touch()
        except OSError:
            self._heard = False  # a full disk: they end at their next report

    def receive(self, key: Key, report: Report) -> bool:
        """Take new rows one by one, so that a decision does not depend on how they were bundled."""
        running = self._running.get(key.number)
        if running is None:
            return True
        new = []
        pruned = False
        for row in report.rows:
            if row.epoch <= len(running.rows):
                continue  # known: the worker was restarted
            running.rows.append(row)
            new.append(row)
            done = report.outcome is not None and report.outcome.state == "COMPLETE"
            trained_to_the_end = done and row is report.rows[-1]
            pruned = self._book.report(key.number, row) and not trained_to_the_end
            if pruned:
                break
        for observer in self._observers:
            observer.trial_reported(running.trial, tuple(new))
        if pruned:
            row = running.rows[-1]
            self._end(key.number, "PRUNED", row.metrics, f"pruned after epoch {row.epoch}")
        elif report.outcome is not None and report.outcome.state == "STOPPED":
            del self._running[key.number]
            self.trouble = self.trouble or report.outcome.reason
            self.stop()
        elif report.outcome is not None:
            outcome = report.outcome
            missing = [name for name in self._objectives if name not in outcome.metrics]
            if outcome.state == "COMPLETE" and missing:
                self._end(key.number, "FAIL", outcome.metrics, f"the trial gave no {', '.join(missing)}")
            else:
                self._end(key.number, outcome.state, outcome.metrics, outcome.reason, outcome.notes)
        return pruned or not self._heard

    def lost(self, key: Key, reason: str) -> None:
        """A job that no worker could finish is a FAIL."""
        if key.number in self._running:
            self._end(key.number, "FAIL", {}, reason)

    def make_good(self, observer: Observer) -> None:
        """Give an observer again what an earlier run could not hand over in full."""
        for trial in self._book.trials():
            folder = self._trial_folder(trial.number)
            if trial.state == "RUNNING" or not folder.exists():
                continue
            if not self._kept(trial.number):
                rows = read_json_lines(folder / HISTORY)
                observer.trial_started(trial, resumed=True)
                observer.trial_ended(trial, rows, self.files(trial.number))
            self._leaving.add(trial.number)
        self.sweep()

    def sweep(self) -> None:
        """Remove the folders of trials of which the tracker has everything."""
        for number in [number for number in self._leaving if self._kept(number)]:
            shutil.rmtree(self._trial_folder(number), ignore_errors=True)
            self._leaving.discard(number)

    def _end(
        self, number: int, state: str, metrics: Metrics, reason: str, notes: Mapping[str, str] | None = None
    ) -> None:
        running = self._running.pop(number)
        rows = tuple(running.rows)
        folder = self._trial_folder(number)
        try:
            write_atomic(folder / "config.yaml", dump(running.trial.config))
            write_atomic(folder / "final_results.json", json.dumps(final_results(rows, metrics), indent=1) + "\n")
            write_atomic(folder / HISTORY, json_lines(rows))
        except OSError as error:
            raise CannotWrite(disk_trouble(error) or str(error)) from error
        trial = self._book.tell(number, state, metrics, reason, notes)
        for observer in self._observers:
            observer.trial_ended(trial, rows, self.files(number))
        self._leaving.add(number)
        self.sweep()

    def _trial_folder(self, number: int) -> Path:
        return self._folder / f"{number:05d}"

    def files(self, number: int) -> dict[str, Path]:
        """What a trial has left, by name."""
        folder = self._trial_folder(number)
        return {name: folder / name for name in _LEFT if (folder / name).exists()}


def counts(trials: Iterable[Trial]) -> dict[str, int]:
    """How many trials are in each state; other states than these only where there are any."""
    found = {"COMPLETE": 0, "PRUNED": 0, "FAIL": 0, "RUNNING": 0}
    for trial in trials:
        found[trial.state] = found.get(trial.state, 0) + 1
    return found

"""The driver: hands jobs to the executor, takes reports, decides, and tells everyone who watches.

It knows Optuna, Ray and MLflow only through what it is given, and keeps one order at the end of a trial: files, then
the storage, then the observers, then the trial's folder goes. A kill between any two of these is made good at the
next start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from pathlib import Path
from typing import Any

from sparsetune.base.layout.printable import printable_lines
from sparsetune.base.messages import Job, Key, Metrics, Observer, Outcome, Report, Run, State, Trial
from sparsetune.drive.book import Running, TrialBook
from sparsetune.drive.folders import Folders

STOP = "stop"  # in the folder of the study's trials: running jobs save their state and end


@dataclass(eq=False)
class Driver:
    """One run of a study: a source of jobs for an executor.

    Attributes:
        folder: where each trial has a folder of its own.
        objectives: names of the metrics that a complete run must have.
        job_options: cadences, threads and own files, as :class:`~sparsetune.base.messages.Job` names them.
        localise: a config with its paths made absolute.
        kept: whether all that a finished trial left is safe with the tracker, so that its folder can go.
        stays: whether the tracker will never take what it left, so that its folder stays.
        score: a run's metrics with what the study computes from them.
        further: more such metrics, by the method whose runs must have them.
        stopping: no more jobs are started.
        trouble: what keeps a job from going on, when nobody asked it to stop.
    """

    book: TrialBook
    observers: Sequence[Observer]
    _: KW_ONLY
    folder: Path
    objectives: Sequence[str]
    job_options: Mapping[str, Any]
    localise: Callable[[dict[str, Any]], dict[str, Any]]
    kept: Callable[[int], bool]
    stays: Callable[[int], bool] = lambda number: False
    score: Callable[[Metrics], Metrics] = dict
    further: Mapping[str, Sequence[str]] = field(default_factory=dict)
    stopping: bool = field(default=False, init=False)
    trouble: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self.folders = Folders(self.folder)
        self._running: dict[int, Running] = {}
        self._leaving: set[int] = set()  # ended, with a folder that has not gone yet
        self._stop_file = self.folder / STOP
        self._stop_file.unlink(missing_ok=True)
        self._heard = True  # running jobs can see the stop file
        self._cut_short = [trial for trial in self.book.trials() if trial.state == "RUNNING"]

    def next_job(self) -> Job | None:
        """A trial that was cut short, then new ones until the budget is spent."""
        self.sweep()
        while not self.stopping:
            resumed = bool(self._cut_short)
            if resumed:
                trial = self._cut_short.pop(0)
            elif not self.book.spent:
                self.folders.make(len(self.book))  # made good too if the trial ends at once and the driver dies then
                trial = self.book.ask()
            else:
                return None
            for observer in self.observers:
                observer.trial_started(trial, resumed=resumed)
            if trial.state == "RUNNING":
                return self._job(trial)
            for observer in self.observers:  # one like it was complete
                observer.trial_ended(trial, {run.key: () for run in trial.runs}, {})
            self._leaving.add(trial.number)
        return None

    def _job(self, trial: Trial) -> Job:
        running = self._running[trial.number] = Running.of(trial)
        return Job(
            running.first,
            self.localise(trial.config),
            str(self.folders.of_trial(trial.number)),
            seeds=running.seeds,
            branches=trial.branches,
            stop_file=str(self._stop_file),
            **self.job_options,
        )

    def stop(self) -> None:
        """Start no more jobs, and let the running ones save their state and end."""
        self.stopping = True
        try:
            self._stop_file.parent.mkdir(parents=True, exist_ok=True)
            self._stop_file.touch()
        except OSError:
            self._heard = False  # a full disk: they end at their next report

    def receive(self, key: Key, report: Report) -> bool:
        """Take new rows one by one, so that a decision does not depend on how they were bundled."""
        running = self._running.get(key.number)
        if running is None:
            return True
        of, outcome = report.key or running.first, report.outcome
        if outcome is not None and outcome.state == "FAIL" and report.key is None:
            self._hand_on_error(running)
        over = self._take(running, of, report)
        if over:
            last = running.rows[of][-1]
            where = f"epoch {last.epoch}" if last.step == last.epoch else f"iteration {last.iterations}"
            self._end(key.number, "PRUNED", f"pruned after {where}")
        elif outcome is None:
            pass
        elif outcome.state == "STOPPED":
            del self._running[key.number]
            self.trouble = self.trouble or outcome.reason
            self.stop()
        elif report.key is None and running.runs:
            self._broken_off(running, outcome.reason)
        elif of not in running.runs:
            over = self._run_ended(running, of, outcome, last=report.last)
        return over or not self._heard

    def _take(self, running: Running, of: Key, report: Report) -> bool:
        """Note new rows; True when the trial is to be pruned after the last one that was noted."""
        rows, new = running.rows[of], []
        done = report.outcome is not None and report.outcome.state == "COMPLETE"
        pruned = False
        for row in report.rows:
            if row.number <= len(rows):
                continue  # the worker was restarted
            scored = replace(row, metrics=self.score(row.metrics))
            rows.append(scored)
            new.append(scored)
            trained_to_the_end = done and row is report.rows[-1]
            judged = of == running.first and self.book.report(of.number, scored)
            pruned = judged and not (trained_to_the_end and len(running.seeds) == 1)
            if pruned:
                break
        for observer in self.observers:
            observer.trial_reported(running.trial, of, tuple(new))
        return pruned

    def _run_ended(self, running: Running, of: Key, outcome: Outcome, *, last: bool) -> bool:
        """Note how a run ended, and end its trial if that decides it; True if its job is to stop."""
        number, run = of.number, self._run(of, outcome, running.trial.config)
        running.runs[of] = run
        several = len(running.seeds) > 1
        if last or (several and run.state == "FAIL"):
            self._conclude(running, f"seed {of.seed}: {run.reason}" if several else run.reason)
            return not last
        index, count = running.seeds.index(of.seed), len(running.seeds)
        judged = of.branch == running.first.branch and index + 1 < count
        if judged and self.book.replicate(number, index, run.metrics):
            self._end(number, "PRUNED", f"pruned after replicate {index + 1} of {count}")
            return True
        return False

    def _broken_off(self, running: Running, reason: str) -> None:
        """The job ended before all of its runs: the others fail."""
        for run in running.trial.runs:
            running.runs.setdefault(run.key, running.left(run.key, "FAIL", reason))
        self._conclude(running, reason)

    def _hand_on_error(self, running: Running) -> None:
        """Give what a job has left of an error to each of its runs that has no end of its own."""
        open_runs = [key for key in running.rows if key not in running.runs]
        self.folders.hand_on_error(open_runs, len(running.rows))

    def _conclude(self, running: Running, reason: str) -> None:
        """End a trial of which no run goes on: a replicate that failed fails it, of a fork's branches all have to."""
        failed = [run.state == "FAIL" for run in running.runs.values()]
        whole = any(failed) if len(running.seeds) > 1 else all(failed)
        self._end(running.trial.number, "FAIL" if whole else "COMPLETE", reason if whole else "")

    def _run(self, of: Key, outcome: Outcome, config: Mapping[str, Any]) -> Run:
        assert outcome.state != "STOPPED"
        metrics = self.score(outcome.metrics)
        further = self.further.get(config["method"]["name"], ()) if self.further else ()
        missing = [name for name in (*self.objectives, *further) if name not in metrics]
        if outcome.state == "COMPLETE" and missing:
            return Run(of, "FAIL", metrics, f"the trial gave no {', '.join(missing)}", outcome.notes)
        results = tuple(replace(each, metrics=self.score(each.metrics)) for each in outcome.results)
        return Run(of, outcome.state, metrics, outcome.reason, outcome.notes, results)

    def lost(self, key: Key, reason: str) -> None:
        """A job that no worker could finish: what has not ended is a FAIL."""
        if key.number in self._running:
            self._hand_on_error(self._running[key.number])
            self._broken_off(self._running[key.number], printable_lines(reason))

    def make_good(self, observer: Observer) -> None:
        """Give an observer again what an earlier run could not hand over in full."""
        for trial in self.book.trials():
            if trial.state == "RUNNING" or not self.folders.of_trial(trial.number).exists():
                continue
            if not self.kept(trial.number):
                observer.trial_started(trial, resumed=True)
                observer.trial_ended(trial, self.folders.rows(trial), self.folders.files(trial))
            self._leaving.add(trial.number)
        self.sweep()

    def sweep(self) -> None:
        """Remove the folders of trials of which the tracker has everything; leave those of which it takes no more."""
        for number in list(self._leaving):
            if self.kept(number):
                self.folders.remove(number)
                self._leaving.discard(number)
            elif self.stays(number):
                self._leaving.discard(number)

    def _end(self, number: int, state: State, reason: str) -> None:
        running = self._running.pop(number)
        runs = running.all_runs(state, reason)
        rows = {run.key: tuple(running.rows[run.key]) for run in runs}
        for run in runs:
            self.folders.leave(run, rows[run.key], running.trial, len(runs))
        trial = self.book.tell(number, state, runs, reason)
        for observer in self.observers:
            observer.trial_ended(trial, rows, self.folders.files(trial))
        self._leaving.add(number)
        self.sweep()


def counts(trials: Iterable[Trial]) -> dict[str, int]:
    """How many trials are in each state; other states than these only where there are any."""
    counted = {"COMPLETE": 0, "PRUNED": 0, "FAIL": 0, "RUNNING": 0}
    for trial in trials:
        counted[trial.state] = counted.get(trial.state, 0) + 1
    return counted

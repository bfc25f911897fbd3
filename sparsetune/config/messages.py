"""What the rooms say to one another: jobs go to executors, reports come back, keyed by trial, seed and branch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

Metrics = dict[str, float]


@dataclass(frozen=True, order=True)
class Key:
    """Whose result it is: a trial of the study, a training seed, a branch of a forked plan."""

    number: int
    seed: int = 0
    branch: str = ""


@dataclass(frozen=True)
class Job:
    """One piece of work for a worker. Plain values and absolute paths only: it crosses process borders."""

    key: Key
    config: dict[str, Any]  # a resolved trial config
    folder: str  # where the job keeps its checkpoint and leaves its files
    cpus: int = 1  # threads
    report_every: str = "1ep"
    checkpoint_every: str = "10s"
    stop_file: str = ""  # once it exists, the job saves its state and ends as STOPPED


@dataclass(frozen=True)
class Row:
    """The result of one epoch. ``timestamp_ms`` is when it was first known, in Unix milliseconds."""

    epoch: int  # epochs done so far: the first row has 1
    timestamp_ms: int
    metrics: Metrics


@dataclass(frozen=True)
class Outcome:
    """How a job ended.

    COMPLETE with the metrics of the state that its plan left, FAIL with the reason, or STOPPED: it goes on from its
    checkpoint at the next start, and ``reason`` says what keeps it from going on now, if it was not asked to stop.
    ``notes`` are words about the training by name, such as which split it had.
    """

    state: Literal["COMPLETE", "FAIL", "STOPPED"]
    metrics: Metrics = field(default_factory=dict)
    reason: str = ""
    notes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """Rows since the last report; after a restart the first report repeats all rows. The last one has the outcome."""

    rows: tuple[Row, ...] = ()
    outcome: Outcome | None = None


Work = Callable[[Job], Iterator[Report]]  # what a worker does with a job


class Source(Protocol):
    """Where an executor gets jobs and brings reports: the one mind of a study. Called from one thread."""

    def next_job(self) -> Job | None:
        """The next job, or None when there is none left to start."""

    def receive(self, key: Key, report: Report) -> bool:
        """Take a report; True asks the executor to stop that job (it is pruned or its study is over)."""

    def lost(self, key: Key, reason: str) -> None:
        """A job that no worker could finish."""


class Executor(Protocol):
    """Runs jobs until the source has none left and all have ended. ``start`` comes first, ``close`` last."""

    gpus: float  # what one job gets, known after ``start``

    def start(self) -> None:
        """Check the resources and write nothing; raises BadInput."""

    def run(self, source: Source, work: Work) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Trial:
    """A trial as every listing names it (``--json``, export, MLflow, Optuna's attributes)."""

    number: int
    state: Literal["RUNNING", "COMPLETE", "PRUNED", "FAIL"]
    params: dict[str, Any]  # what the space drew, by dotted name
    config: dict[str, Any]  # the whole resolved trial config
    metrics: Metrics = field(default_factory=dict)
    values: tuple[float, ...] = ()  # of the objectives, in their order
    reason: str = ""  # why it failed or was pruned
    started_ms: int = 0
    ended_ms: int = 0
    notes: dict[str, str] = field(default_factory=dict)  # words about a training that ended: its split, its device


class Observer(Protocol):
    """Watches a study. Nothing that an observer does or fails to do changes a trial."""

    def trial_started(self, trial: Trial, *, resumed: bool) -> None: ...

    def trial_reported(self, trial: Trial, rows: tuple[Row, ...]) -> None:
        """New rows of a running trial, each once; a resumed trial's known rows come again after ``trial_started``."""

    def trial_ended(self, trial: Trial, rows: tuple[Row, ...], files: Mapping[str, Path]) -> None:
        """All rows of the trial, and the files that it left (name to path)."""

    def close(self) -> None: ...

"""What the rooms say to one another: jobs go to executors, reports come back, keyed by trial, seed and branch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from sparsetune.base.layout.printable import printable_lines

Metrics = dict[str, float]
State = Literal["RUNNING", "COMPLETE", "PRUNED", "FAIL"]
Files = Mapping[str, Path]  # name to path
Which = Literal["last", "best"]
"""The state after the last evaluation, or after that with the lowest loss on validation data."""
SAME_AS = "same_as"  # a trial's note: whose results it has
SPLIT = "split"  # a trial's note: the digest of its samples and of their division
TAKEN = "taken"  # a trial's note: how many of its stages were trained before, and lay on the project's shelf
GIVEN = "given"  # a trial's note: these were taken over at the start, and cost nothing of the budget


@dataclass(frozen=True, order=True)
class Key:
    """Whose result it is: a trial of the study, a training seed, a branch of a forked plan."""

    number: int
    seed: int = 0
    branch: str = ""


@dataclass(frozen=True)
class Branch:
    """One end of a forked training: what it sets, by dotted name. Its name tells it from the others of a trial."""

    name: str = ""
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class OwnFile:
    """A file of the user's own that registers methods, models and so on: its text, for it crosses process borders."""

    name: str  # as the study file names it
    text: str


@dataclass(frozen=True)
class Job:
    """One piece of work for a worker. Plain values and absolute paths only: it crosses process borders.

    It holds all trainings of a trial: one for each of ``seeds``, and each of them ends once for each of ``branches``.
    """

    key: Key  # of its first run
    config: dict[str, Any]  # a resolved trial config, which the seeds and branches vary
    folder: str  # where the job keeps its checkpoint and leaves its files
    seeds: tuple[int, ...] = ()  # empty: that of the key
    branches: tuple[Branch, ...] = (Branch(),)
    imports: tuple[OwnFile, ...] = ()
    cpus: int = 1  # threads
    report_every: str = "1ep"
    checkpoint_every: str = "10s"
    stop_file: str = ""  # once it exists, the job saves its state and ends as STOPPED
    figures: Literal["front", "all", "none"] = "all"  # which runs are drawn; with ``front`` here those that fail
    objectives: tuple[str, ...] = ()  # names of the numbers that figures show beside losses and accuracies
    scores: Mapping[str, str] = field(default_factory=dict)  # the formulas of those that the study computes
    study: str = ""  # its name, where it is of one
    shelf: str = ""  # a folder of ends of stages that trials of the project have in common; empty: none
    shelf_bytes: int = 0  # that these may take

    @property
    def runs(self) -> int:
        """How many results it gives."""
        return max(1, len(self.seeds)) * len(self.branches)


@dataclass(frozen=True)
class Row:
    """The result of an evaluation. ``timestamp_ms`` is when it was first known, in Unix milliseconds."""

    epoch: int  # whole epochs done so far on the way to it: with an evaluation an epoch the first row has 1
    timestamp_ms: int
    metrics: Metrics
    phase: str = ""  # the name of the stage
    since: int = 0  # evaluations of that stage so far
    settled: bool = True  # False shortly after a step that sets a network back, such as pruning
    number: int = 0  # of the row, from 1: how it is known; where rows are one an epoch the epoch
    iterations: int = 0  # steps of the optimiser done so far on the way to it
    step: int = 0  # what it is drawn over: iterations where a stage of the trial is told in them, else epochs
    done: float = 0.0  # share of all that its seed's branches are to train, as planned; 0 where it is not known

    def __post_init__(self) -> None:
        for name in ("number", "step"):
            if not getattr(self, name):
                object.__setattr__(self, name, self.epoch)


@dataclass(frozen=True)
class Result:
    """A state of a run that was measured on test data: after a level, or at the end."""

    stage: str  # path of the stage that ended with it
    which: Which
    epoch: int  # whole epochs on the way to it
    iterations: int  # steps of the optimiser on the way to it
    metrics: Metrics

    @property
    def name(self) -> str:
        """What tells it from other results of its run."""
        return f"{self.stage} {self.which}"


@dataclass(frozen=True)
class Outcome:
    """How a job ended.

    COMPLETE with the metrics of the state that its plan left, FAIL with the reason, or STOPPED: it goes on from its
    checkpoint at the next start, and ``reason`` says what keeps it from going on now, if it was not asked to stop.
    ``notes`` are words about the training by name, such as which split it had. ``results`` are there where the run has
    several: the last one's metrics are the run's.
    """

    state: Literal["COMPLETE", "FAIL", "STOPPED"]
    metrics: Metrics = field(default_factory=dict)
    reason: str = ""
    notes: dict[str, str] = field(default_factory=dict)
    results: tuple[Result, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", printable_lines(self.reason))  # it goes to terminals and databases


@dataclass(frozen=True)
class Report:
    """Rows of a run since the last report; after a restart the first one repeats all. A run's last has its outcome.

    Attributes:
        key: the run that it is of; None: the job's first.
        more: the job goes on with other runs after this outcome.
    """

    rows: tuple[Row, ...] = ()
    outcome: Outcome | None = None
    key: Key | None = None
    more: bool = False

    @property
    def last(self) -> bool:
        """Whether the job has ended."""
        return self.outcome is not None and not self.more


Work = Callable[[Job], Iterator[Report]]  # what a worker does with a job


class Source(Protocol):
    """Where an executor gets jobs and brings reports: the one mind of a study. Called from one thread."""

    def next_job(self) -> Job | None:
        """The next job, or None when there is none left to start."""

    def receive(self, key: Key, report: Report) -> bool:
        """Take a report of the job with that key; True asks the executor to stop it (pruned, or its study is over)."""

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
class Run:
    """One result of a trial: of one seed and one branch."""

    key: Key
    state: State = "RUNNING"
    metrics: Metrics = field(default_factory=dict)
    reason: str = ""
    notes: dict[str, str] = field(default_factory=dict)
    results: tuple[Result, ...] = ()  # in their order, where there are several


@dataclass(frozen=True)
class Trial:
    """A trial as every listing names it (``--json``, export, MLflow, Optuna's attributes).

    Of a trial with several runs there are also views, in the same words (``config/study/rows.py``): one for each
    branch, which is a row of its own in every table, and one for each replicate of it.
    """

    number: int
    state: State
    params: dict[str, Any]  # what the space drew, by dotted name; of a branch also what it sets
    config: dict[str, Any]  # the whole resolved trial config
    metrics: Metrics = field(default_factory=dict)  # of several replicates their means
    values: tuple[float, ...] = ()  # of the objectives, in their order
    reason: str = ""  # why it failed or was pruned
    started_ms: int = 0
    ended_ms: int = 0
    notes: dict[str, str] = field(default_factory=dict)  # words about a training that ended: its split, its device
    errors: Metrics = field(default_factory=dict)  # standard errors of the means; empty with one replicate
    runs: tuple[Run, ...] = ()  # by seed, then by branch; empty in a view of one run
    branches: tuple[Branch, ...] = (Branch(),)
    feasible: bool = True  # meets all constraints of the study, as far as is known
    branch: str = ""  # of a view
    seed: int | None = None  # of a view of one replicate

    @property
    def label(self) -> str:
        """What tells it from the other rows of a table."""
        return " ".join([str(self.number), *([self.branch] if self.branch else [])])


class Observer(Protocol):
    """Watches a study. Nothing that an observer does or fails to do changes a trial."""

    def trial_started(self, trial: Trial, *, resumed: bool) -> None:
        """Its ``runs`` are all that will be heard of."""

    def trial_reported(self, trial: Trial, key: Key, rows: tuple[Row, ...]) -> None:
        """New rows of a run, each once; a resumed trial's known rows come again after ``trial_started``."""

    def trial_ended(self, trial: Trial, rows: Mapping[Key, tuple[Row, ...]], files: Mapping[Key, Files]) -> None:
        """All rows of each run, and the files that it left."""

    def close(self) -> None: ...

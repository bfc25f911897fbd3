"""What every executor promises. An executor joins by one row in tests/execution/test_conformance.py.

Each check takes ``make_executor()``, which gives an executor that is ready to run, and an empty folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sparsetune.base.errors import BadInput
from sparsetune.base.messages import Executor, Job, Key, Metrics, Outcome, Report, Row, Source, Work

MakeExecutor = Callable[[], Executor]
EPOCHS = 3


@dataclass
class Script(Source):
    """Hands out a list of jobs, records all that it hears, and stops the jobs in ``stops`` at their epoch."""

    jobs: list[Job]
    stops: dict[Key, int] = field(default_factory=dict)
    started: list[Key] = field(default_factory=list)
    heard: list[tuple[Key, Report]] = field(default_factory=list)
    losses: list[tuple[Key, str]] = field(default_factory=list)

    def next_job(self) -> Job | None:
        if len(self.started) == len(self.jobs):
            return None
        job = self.jobs[len(self.started)]
        self.started.append(job.key)
        return job

    def receive(self, key: Key, report: Report) -> bool:
        self.heard.append((key, report))
        return any(row.epoch == self.stops.get(key) for row in report.rows)

    def lost(self, key: Key, reason: str) -> None:
        self.losses.append((key, reason))

    def epochs(self, key: Key) -> list[int]:
        return [row.epoch for heard, report in self.heard if heard == key for row in report.rows]

    def outcomes(self, key: Key) -> list[Outcome]:
        return [report.outcome for heard, report in self.heard if heard == key and report.outcome is not None]

    def outcome(self, key: Key) -> Outcome:
        [outcome] = self.outcomes(key)
        return outcome


def jobs(folder: Path, *behaviours: str) -> list[Job]:
    """One job for each behaviour, which its work reads from the config."""
    return [
        Job(key=Key(number), config={"behaviour": behaviour}, folder=str(folder / str(number)))
        for number, behaviour in enumerate(behaviours)
    ]


def row(epoch: int, metrics: Metrics | None = None) -> Report:
    return Report(rows=(Row(epoch=epoch, timestamp_ms=epoch, metrics=metrics or {}),))


def behave(job: Job) -> Iterator[Report]:
    """Three epochs and an outcome, with the fault that the job's config names after the first epoch."""
    behaviour = job.config["behaviour"]
    Path(job.folder).mkdir(parents=True)  # fails if the job ran before
    try:
        for epoch in range(1, EPOCHS + 1):
            yield row(epoch)
            if behaviour == "raises":
                raise ArithmeticError("the loss\nis not finite")
            if behaviour == "has no memory":
                raise MemoryError("4 TiB")
            if behaviour == "has no memory on the device":
                raise RuntimeError("CUDA error: Out of memory")
            if behaviour == "has a bad config":
                raise BadInput("found -1, allowed: above 0", key="training.lr")
            if behaviour == "forgets the outcome":
                return
        yield Report(outcome=Outcome(state="COMPLETE", metrics={"pid": os.getpid()}))
    finally:
        Path(job.folder, "cleaned_up").touch()


_iterators: list[Iterator[Report]] = []


def held(job: Job) -> Iterator[Report]:
    """Like ``behave``, and no garbage collection closes it."""
    _iterators.append(behave(job))
    return _iterators[-1]


def refuse(job: Job) -> Iterator[Report]:
    """Fails before there is an iterator."""
    raise KeyError(job.key.number)


def heard_from(make_executor: MakeExecutor, work: Work, script: Script) -> Script:
    make_executor().run(script, work)
    return script


def check_every_job_runs_once_with_its_reports_in_order(make_executor: MakeExecutor, folder: Path) -> None:
    script = heard_from(make_executor, behave, Script(jobs(folder, *["works"] * 5)))
    assert script.started == [Key(number) for number in range(5)]
    for key in script.started:
        assert script.epochs(key) == [1, 2, 3]
        assert script.outcome(key).state == "COMPLETE"
        assert [report.outcome is None for heard, report in script.heard if heard == key] == [True] * EPOCHS + [False]
    assert not script.losses


def check_keys_and_configs_arrive_whole(make_executor: MakeExecutor, folder: Path) -> None:
    config = {"behaviour": "works", "model": {"hidden": [300, 100]}, "lr": 1e-3, "when": None, "a.b": (1, "x")}
    key = Key(7, seed=3, branch="late/rewind 10%")

    def echo(job: Job) -> Iterator[Report]:
        same = job.config == config and job.key == key and job.cpus == 2 and job.report_every == "5ep"
        yield Report(outcome=Outcome(state="COMPLETE", metrics={"same": float(same)}))

    script = Script([Job(key=key, config=config, folder=str(folder), cpus=2, report_every="5ep")])
    heard_from(make_executor, echo, script)
    assert script.outcome(key).metrics == {"same": 1.0}


def check_a_stop_ends_a_job_and_frees_its_worker(make_executor: MakeExecutor, folder: Path) -> None:
    script = heard_from(make_executor, behave, Script(jobs(folder, *["works"] * 4), stops={Key(0): 2, Key(2): 1}))
    assert [script.epochs(Key(number)) for number in range(4)] == [[1, 2], [1, 2, 3], [1], [1, 2, 3]]
    assert not script.outcomes(Key(0))
    assert not script.outcomes(Key(2))
    assert script.outcome(Key(3)).state == "COMPLETE"
    assert not script.losses


def check_a_stopped_job_cleans_up(make_executor: MakeExecutor, folder: Path) -> None:
    heard_from(make_executor, held, Script(jobs(folder, "works", "works"), stops={Key(0): 1, Key(1): 3}))
    assert all((folder / str(number) / "cleaned_up").exists() for number in range(2))


def check_a_job_that_raises_fails_alone(make_executor: MakeExecutor, folder: Path) -> None:
    script = heard_from(make_executor, behave, Script(jobs(folder, "works", "raises", "works", "raises")))
    assert [script.outcome(key).state for key in script.started] == ["COMPLETE", "FAIL", "COMPLETE", "FAIL"]
    assert script.outcome(Key(1)).reason == "ArithmeticError: the loss is not finite"
    assert script.epochs(Key(1)) == [1]
    error = (folder / "1" / "error.txt").read_text()
    assert "Traceback" in error
    assert "behave" in error
    assert not (folder / "0" / "error.txt").exists()
    assert not script.losses


def check_lack_of_memory_is_named(make_executor: MakeExecutor, folder: Path) -> None:
    script = Script(jobs(folder, "has no memory", "has no memory on the device", "works"))
    heard_from(make_executor, behave, script)
    assert [script.outcome(key).state for key in script.started] == ["FAIL", "FAIL", "COMPLETE"]
    assert script.outcome(Key(0)).reason == "out of memory: 4 TiB"
    assert script.outcome(Key(1)).reason == "out of memory: CUDA error: Out of memory"


def check_a_bad_config_fails(make_executor: MakeExecutor, folder: Path) -> None:
    script = heard_from(make_executor, behave, Script(jobs(folder, "has a bad config", "works")))
    assert script.outcome(Key(0)).reason == "BadInput: training.lr: found -1, allowed: above 0"
    assert script.outcome(Key(1)).state == "COMPLETE"


def check_work_that_cannot_begin_fails(make_executor: MakeExecutor, folder: Path) -> None:
    script = heard_from(make_executor, refuse, Script(jobs(folder, "works", "works")))
    assert [script.outcome(key).reason for key in script.started] == ["KeyError: 0", "KeyError: 1"]


def check_a_job_without_outcome_fails(make_executor: MakeExecutor, folder: Path) -> None:
    script = heard_from(make_executor, behave, Script(jobs(folder, "forgets the outcome", "works")))
    assert script.outcome(Key(0)) == Outcome(state="FAIL", reason="the work ended without an outcome")
    assert script.outcome(Key(1)).state == "COMPLETE"


def check_a_source_without_jobs_ends_at_once(make_executor: MakeExecutor, folder: Path) -> None:
    script = heard_from(make_executor, behave, Script([]))
    assert not script.heard


def check_an_error_of_the_source_passes_through(make_executor: MakeExecutor, folder: Path) -> None:
    class Broken(Script):
        def receive(self, key: Key, report: Report) -> bool:
            raise LookupError("the storage is gone")

    caught = ""
    try:
        heard_from(make_executor, behave, Broken(jobs(folder, "works")))
    except LookupError as error:
        caught = str(error)
    assert caught == "the storage is gone"


EXECUTOR_CHECKS: list[Callable[[MakeExecutor, Path], None]] = [
    check for name, check in list(globals().items()) if name.startswith("check_")
]

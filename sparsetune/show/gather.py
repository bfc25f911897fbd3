"""What `status` says of a study, from its storage, its lock and its files; and what these take on disk."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from glob import escape
from pathlib import Path
from typing import Any

from sparsetune.base.paths import Project, slug
from sparsetune.base.stores.sqlite import sqlite_path
from sparsetune.config.study.front import Front
from sparsetune.live.estimate import Part, seconds_left
from sparsetune.search.lock import Holder, holder_of, lock_of
from sparsetune.search.progress import Brief, Progress

RUNNING, FINISHED, INTERRUPTED, IDLE, UNKNOWN = "running", "finished", "interrupted", "not running", "unknown"


@dataclass(frozen=True)
class Status:
    """A study at a moment, the same for people and JSON.

    Attributes:
        state: ``running``: a live driver has it; ``finished``: all trials of its budget have ended; ``interrupted``:
            neither, and it can go on; ``not running``: nobody has it, and its budget is not known; ``unknown``: its
            storage is a server, and a driver elsewhere cannot be seen from here.
        running: trials without an end that somebody runs, or may run; ``interrupted``: those that nobody runs.
        best: for each objective the best value, and number and branch of the row that has it.
        seconds_left: an estimate, while it runs and enough is known.
        on_disk: bytes of its files, and of the databases that it shares with other studies.
    """

    study: str
    state: str
    counts: dict[str, int]
    running: tuple[Brief, ...]
    interrupted: tuple[Brief, ...]
    budget: int | None
    best: dict[str, tuple[float, tuple[int, str]]]
    front: int
    failure: tuple[int, str] | None
    last_ended_ms: int
    driver: Holder | None
    seconds_left: float | None
    on_disk: dict[str, int]

    @property
    def done(self) -> int:
        return sum(self.counts.values())

    @property
    def over(self) -> bool:
        """Whether nothing will change until somebody starts the study."""
        return self.state in (FINISHED, INTERRUPTED, IDLE)

    def document(self) -> dict[str, Any]:
        """For ``--json``; ``best_branches`` only where trials are forked."""
        branches = {metric: branch for metric, (_, (_, branch)) in self.best.items()}
        return {
            "study": self.study,
            "state": self.state,
            **self.counts,
            "running": len(self.running),
            "interrupted": len(self.interrupted),
            "done": self.done,
            "budget": self.budget,
            "best": {metric: value for metric, (value, _) in self.best.items()},
            "best_trials": {metric: number for metric, (_, (number, _)) in self.best.items()},
            **({"best_branches": branches} if any(branches.values()) else {}),
            "front": self.front,
            "running_trials": [{"number": each.number, "started_ms": each.started_ms} for each in self.running],
            "interrupted_trials": [each.number for each in self.interrupted],
            "last_failure": self.failure and {"number": self.failure[0], "reason": self.failure[1]},
            "last_ended_ms": self.last_ended_ms or None,
            "driver": self.driver and vars(self.driver),
            "seconds_left": self.seconds_left,
            "bytes_on_disk": self.on_disk,
        }


def gather(progress: Progress, url: str, project: Project | None, now_ms: int, on_disk: dict[str, int]) -> Status:
    """Of a study at ``now_ms``, Unix milliseconds."""
    lock = lock_of(url, project.runs if project else None, progress.name)
    driver = holder_of(lock) if lock else None
    visible = sqlite_path(url) is not None
    open_ended = tuple(trial for trial in progress.trials if trial.state == "RUNNING")
    counts = {
        word: sum(trial.state == state for trial in progress.trials)
        for word, state in (("complete", "COMPLETE"), ("pruned", "PRUNED"), ("fail", "FAIL"))
    }
    state = _state(driver is not None, visible, len(open_ended), sum(counts.values()), progress.budget)
    front = Front[tuple[int, str]](progress.goals)
    for row, values in progress.values.items():
        front.add(row, values)
    return Status(
        study=progress.name,
        state=state,
        counts=counts,
        running=open_ended if state in (RUNNING, UNKNOWN) else (),
        interrupted=() if state in (RUNNING, UNKNOWN) else open_ended,
        budget=progress.budget,
        best={metric: best for metric, best in zip(progress.metrics, front.best, strict=True) if best is not None},
        front=len(front),
        failure=progress.failure,
        last_ended_ms=max((trial.ended_ms for trial in progress.trials), default=0),
        driver=driver,
        seconds_left=_left(progress, driver, now_ms) if driver else None,
        on_disk=on_disk,
    )


def _state(driven: bool, visible: bool, open_ended: int, done: int, budget: int | None) -> str:
    if driven:
        return RUNNING
    if budget is not None and done >= budget and not open_ended:
        return FINISHED
    if not visible:
        return UNKNOWN
    return INTERRUPTED if open_ended or budget is not None else IDLE


def _left(progress: Progress, driver: Holder, now_ms: int) -> float | None:
    """From the trials that ended since the driver started; the storage knows nothing of epochs."""
    ended = [trial for trial in progress.trials if trial.ended_ms > driver.since_ms > 0]
    running = [trial for trial in progress.trials if trial.state == "RUNNING"]
    if progress.budget is None or not ended:
        return None
    starts = {trial.number: max(trial.started_ms, driver.since_ms) for trial in (*ended, *running)}
    over = len([trial for trial in progress.trials if trial.ended_ms])
    return seconds_left(
        elapsed=(now_ms - min(starts.values())) / 1000,
        ended=len(ended),
        busy=sum(trial.ended_ms - starts[trial.number] for trial in ended) / 1000,
        running=[Part(age=(now_ms - starts[trial.number]) / 1000) for trial in running],
        waiting=max(0, progress.budget - over - len(running)),
    )


def disk_use(progress: Progress, url: str, project: Project | None) -> dict[str, int]:
    """Bytes of what is here: the study's own files, and databases that it shares. What servers hold is not here."""
    database = sqlite_path(url)
    places: dict[str, Sequence[Path]] = {
        "storage": [] if database is None else [database, *database.parent.glob(f"{escape(database.name)}-*")]
    }
    if project is not None:
        places["mlflow"] = [*project.runs.glob("mlflow.db*")]
        places["shelf"] = [project.shelf]
        places["artifacts"] = [project.artifacts / slug(progress.name)]
        if progress.uid is not None:
            places["checkpoints"] = [project.trials(progress.name, progress.uid)]
    return {name: sum(map(_bytes, paths)) for name, paths in places.items() if any(path.exists() for path in paths)}


def _bytes(path: Path) -> int:
    """Of a file, or of all files below a folder; what goes away meanwhile counts nothing."""
    try:
        if not path.is_dir():
            return path.stat().st_size
    except OSError:
        return 0
    return sum(_size(f"{folder}/{name}") for folder, _, names in os.walk(path) for name in names)


def _size(file: str) -> int:
    try:
        return os.lstat(file).st_size
    except OSError:
        return 0

"""What does the harness cost? One small study, several ways, alternately on the same machine.

    python benchmarks/harness_overhead.py [--method dense ast] [--before FOLDER] [--trials 64] [--repeats 3]

digits, LeNet-300-100, 10 epochs, batch 60, Adam, the learning rate is tuned, two trials at once:

- sparsetune: `sparsetune study` with its storage, MLflow and checkpoints;
- before: the same with the code of FOLDER, a checkout of an earlier commit;
- usual stack: Ray's Tuner with a function trainable, OptunaSearch on SQLite, MLflowLoggerCallback on SQLite;
- optuna alone: two processes on one journal, nothing tracked;
- bare training: two processes, nothing searched or kept.

What counts is the steady state: seconds from the 8th finished trial to the last, divided by the trials between.
Sources of the last three print the time at which each trial ended; of `sparsetune` the storage knows it. Beside it
stand the processor's milliseconds in that time, of the driver, the workers and Ray's own processes: on two processors
whatever the driver takes is missing to the workers, and these numbers suffer less from what else the machine does.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from harness.usage import DRIVER, RAY, WORKERS, Usage

FIRST = 8  # trials finished before the clock starts
COUNT = 2  # workers
HERE = Path(__file__).parent
STUDY = """
study: overhead
method: %s
data: digits
model: {name: mlp, hidden: [300, 100]}
training: {epochs: 10, batch_size: 60, optimizer: adam}
space: {training.lr: {float: [1.0e-4, 1.0e-2], log: true}}
objectives: [{metric: val_accuracy, goal: maximize}]
budget: {trials: %d}
"""


class Run(NamedTuple):
    """When each trial of a way ended, and what its programs used."""

    ended: list[float]
    usage: Usage


class Task(NamedTuple):
    folder: Path
    method: str
    trials: int


def run(task: Task, *commands: tuple[str, ...], code: Path | None = None, role: str = DRIVER) -> tuple[str, Usage]:
    """What programs of this Python print that run at once; ends this benchmark if one fails.

    Each has one thread and no GPU; what they say beside their results goes to a file.

    Args:
        code: where modules are looked for first.
        role: whose time theirs is.
    """
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0"}
    environment["PYTHONPATH"] = os.pathsep.join(map(str, [*([code] if code else []), HERE]))
    with (task.folder / "stderr.txt").open("a") as errors:
        programs = [
            subprocess.Popen(
                [sys.executable, "-m", *command], cwd=task.folder, env=environment, stdout=subprocess.PIPE,
                stderr=errors, text=True,
            )
            for command in commands
        ]  # fmt: skip
        usage = Usage([program.pid for program in programs], role)
        usage.start()
        printed = [program.communicate()[0] for program in programs]
        usage.close()
    if any(program.returncode for program in programs):
        sys.exit((task.folder / "stderr.txt").read_text())
    return "\n".join(printed), usage


def moments(printed: str) -> list[float]:
    """The times in lines of `TIME` or `done TIME`."""
    words = [line.removeprefix("done ") for line in printed.splitlines()]
    return [float(word) for word in words if word.replace(".", "", 1).isdigit()]


def bare(task: Task) -> Run:
    command = ("harness.bare", str(task.trials // COUNT), task.method)
    printed, usage = run(task, *[command] * COUNT, role=WORKERS)
    return Run(moments(printed), usage)


def optuna_alone(task: Task) -> Run:
    command = ("harness.optuna_alone", str(task.trials // COUNT), task.method, "journal.log")
    printed, usage = run(task, *[command] * COUNT, role=WORKERS)
    return Run(moments(printed), usage)


def usual_stack(task: Task) -> Run:
    printed, usage = run(task, ("harness.usual_stack", str(task.trials), task.method, str(task.folder)))
    return Run(moments(printed), usage)


def sparsetune(task: Task, code: Path | None = None) -> Run:
    (task.folder / "search_spaces").mkdir()
    (task.folder / "overhead.yaml").write_text(STUDY % (task.method, task.trials))
    _, usage = run(task, ("sparsetune", "study", "overhead.yaml", "--workers", str(COUNT)), code=code)
    with sqlite3.connect(task.folder / "mlruns" / "studies.db") as storage:
        found = storage.execute("SELECT datetime_complete FROM trials WHERE state = 'COMPLETE'").fetchall()
    return Run([datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp() for (moment,) in found], usage)


WAYS: dict[str, Callable[[Task], Run]] = {
    "sparsetune": sparsetune,
    "usual stack": usual_stack,
    "optuna alone": optuna_alone,
    "bare training": bare,
}


class Cost(NamedTuple):
    """Of a trial in steady state, from the 8th finished one to the last: seconds, and the processor's by role."""

    wall: float
    driver: float
    workers: float
    ray: float


def cost(found: Run) -> Cost:
    ended = sorted(found.ended)
    used, count = found.usage.between(ended[FIRST - 1], ended[-1]), len(ended) - FIRST
    return Cost((ended[-1] - ended[FIRST - 1]) / count, *(used[role] / count for role in (DRIVER, WORKERS, RAY)))


def measure(name: str, method: str, trials: int, way: Callable[[Task], Run]) -> Cost:
    """One run of a way, with a line of what it took."""
    with tempfile.TemporaryDirectory(prefix="overhead-") as folder:
        began = time.time()
        found = way(Task(Path(folder), method, trials))
    if len(found.ended) != trials:
        sys.exit(f"{name}: {len(found.ended)} of {trials} trials ended")
    took, first, whole = cost(found), min(found.ended) - began, time.time() - began
    print(
        f"{method}, {name:14} {took.wall:.4f} s a trial in steady state; first trial ended after {first:.1f} s, all "
        f"{trials} after {whole:.1f} s",
        flush=True,
    )
    return took


def report(method: str, costs: dict[str, list[Cost]]) -> None:
    """Medians, how they stand to SparseTune's, and the processor's milliseconds."""
    medians = {name: Cost(*map(statistics.median, zip(*each, strict=True))) for name, each in costs.items()}
    print(f"\n{method + ', median':18}{'s a trial':>10}{'to sparsetune':>15}{'to bare':>10}{'driver ms':>12}", end="")
    print(f"{'workers ms':>12}{'Ray ms':>8}")
    for name, median in medians.items():
        ratios = [
            median.wall / medians[other].wall if other in medians else float("nan")
            for other in ("sparsetune", "bare training")
        ]
        print(f"{name:18}{median.wall:10.4f}{ratios[0]:15.2f}{ratios[1]:10.2f}{1e3 * median.driver:12.0f}", end="")
        print(f"{1e3 * median.workers:12.0f}{1e3 * median.ray:8.0f}")
    print(flush=True)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--method", choices=["dense", "ast"], nargs="+", default=["dense", "ast"])
    options.add_argument("--before", type=Path, help="a checkout of an earlier commit")
    options.add_argument("--trials", type=int, default=64)
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--without", choices=list(WAYS), action="append", default=[])
    given = options.parse_args()
    ways = {name: way for name, way in WAYS.items() if name not in given.without}
    if given.before:
        code = given.before.resolve(strict=True)
        ways["before"] = lambda task: sparsetune(task, code)
    for method in given.method:
        costs: dict[str, list[Cost]] = {name: [] for name in ways}
        for _ in range(given.repeats):
            for name, way in ways.items():
                costs[name].append(measure(name, method, given.trials, way))
        report(method, costs)


if __name__ == "__main__":
    main()

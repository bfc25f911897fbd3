"""What does the harness cost? One small study, four ways, alternately on the same machine.

    python benchmarks/harness_overhead.py [--trials 64] [--repeats 3]

digits, LeNet-300-100, 10 epochs, batch 60, Adam, the learning rate is tuned, two trials at once:

- sparsetune: `sparsetune study` with its storage, MLflow and checkpoints;
- usual stack: Ray's Tuner with a function trainable, OptunaSearch on SQLite, MLflowLoggerCallback on SQLite;
- optuna alone: two processes on one journal, nothing tracked;
- bare training: two processes, nothing searched or kept.

What counts is the steady state: seconds from the 8th finished trial to the last, divided by the trials between.
Sources of the first three print the time at which each trial ended; of `sparsetune` the storage knows it.
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

FIRST = 8  # trials finished before the clock starts
WORKERS = 2
STUDY = """
study: overhead
method: dense
data: digits
model: {name: mlp, hidden: [300, 100]}
training: {epochs: 10, batch_size: 60, optimizer: adam}
space: {training.lr: {float: [1.0e-4, 1.0e-2], log: true}}
objectives: [{metric: val_accuracy, goal: maximize}]
budget: {trials: %d}
"""


def start(folder: Path, *command: str) -> subprocess.Popen[str]:
    """A program of this Python, with one thread and no GPU; what it says beside its results goes to a file."""
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0"}
    environment["PYTHONPATH"] = str(Path(__file__).parent)
    errors = (folder / "stderr.txt").open("a")
    return subprocess.Popen(
        [sys.executable, *command], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
    )


def finish(folder: Path, *programs: subprocess.Popen[str]) -> str:
    """What they printed; ends this benchmark if one failed."""
    printed = [program.communicate()[0] for program in programs]
    if any(program.returncode for program in programs):
        sys.exit((folder / "stderr.txt").read_text())
    return "\n".join(printed)


def moments(printed: str) -> list[float]:
    """The times in lines of `TIME` or `done TIME`."""
    words = [line.removeprefix("done ") for line in printed.splitlines()]
    return [float(word) for word in words if word.replace(".", "", 1).isdigit()]


def bare(folder: Path, trials: int) -> list[float]:
    share = str(trials // WORKERS)
    programs = [start(folder, "-m", "harness.bare", share) for _ in range(WORKERS)]
    return moments(finish(folder, *programs))


def optuna_alone(folder: Path, trials: int) -> list[float]:
    share = str(trials // WORKERS)
    programs = [start(folder, "-m", "harness.optuna_alone", share, "journal.log") for _ in range(WORKERS)]
    return moments(finish(folder, *programs))


def usual_stack(folder: Path, trials: int) -> list[float]:
    return moments(finish(folder, start(folder, "-m", "harness.usual_stack", str(trials), str(folder))))


def sparsetune(folder: Path, trials: int) -> list[float]:
    (folder / "search_spaces").mkdir()
    (folder / "overhead.yaml").write_text(STUDY % trials)
    finish(folder, start(folder, "-m", "sparsetune", "study", "overhead.yaml", "--workers", str(WORKERS)))
    with sqlite3.connect(folder / "mlruns" / "studies.db") as storage:
        found = storage.execute("SELECT datetime_complete FROM trials WHERE state = 'COMPLETE'").fetchall()
    return [datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp() for (moment,) in found]


WAYS: dict[str, Callable[[Path, int], list[float]]] = {
    "sparsetune": sparsetune,
    "usual stack": usual_stack,
    "optuna alone": optuna_alone,
    "bare training": bare,
}


def steady(ended: list[float]) -> float:
    """Seconds a trial from the 8th finished one to the last."""
    ended = sorted(ended)
    return (ended[-1] - ended[FIRST - 1]) / (len(ended) - FIRST)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--trials", type=int, default=64)
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--without", choices=list(WAYS), action="append", default=[])
    given = options.parse_args()
    ways = {name: way for name, way in WAYS.items() if name not in given.without}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for repeat in range(given.repeats):
        for name, way in ways.items():
            with tempfile.TemporaryDirectory(prefix="overhead-") as folder:
                began = time.time()
                ended = way(Path(folder), given.trials)
            if len(ended) != given.trials:
                sys.exit(f"{name}: {len(ended)} of {given.trials} trials ended")
            seconds[name].append(steady(ended))
            first, whole = min(ended) - began, time.time() - began
            print(
                f"{repeat + 1}: {name:14} {seconds[name][-1]:.4f} s a trial in steady state; first trial ended after "
                f"{first:.1f} s, all {given.trials} after {whole:.1f} s",
                flush=True,
            )
    report({name: statistics.median(each) for name, each in seconds.items()})


def report(medians: dict[str, float]) -> None:
    """Medians, and how they stand to SparseTune's."""
    print(f"\n{'median':16}{'s a trial':>10}{'to sparsetune':>15}{'to bare':>10}")
    for name, median in medians.items():
        ratios = [
            median / medians[other] if other in medians else float("nan") for other in ("sparsetune", "bare training")
        ]
        print(f"{name:16}{median:10.4f}{ratios[0]:15.2f}{ratios[1]:10.2f}")


if __name__ == "__main__":
    main()

"""How near do methods bring a student of 751 weights to its teacher's error and its 72 weights?

    python benchmarks/teacher_student_methods.py [--seeds 10] [--epochs 50000] [--methods drr rl1] [--workers 2]

Each seed has a teacher, samples and a student of its own: [2, 25, 25, 1] with tanh, 300 samples in one batch, Adam
5e-4, the loss with a trained deviation, fine-tuning for a fifth of the epochs; a worker has one thread. alpha is held
against the sum over samples, and has the lowest mean validation error of a few, a factor of three apart, in runs of
this length with seeds 0 to 2 (`--alpha`): drr 1 to 30, rl1 0.7 to 20, pmmp 10 to 300 with u from 1. A run is a line
as it ends, with its validation error, which is what settings may be chosen by; then the means over test data with their
95 % intervals (Student's t). No student's test error is below 0.0064 on average.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any, NamedTuple

import torch
from scipy.stats import t

from sparsetune.config.trial import TrialConfig, resolve_trial
from sparsetune.sparsity.method import TrainingFailed
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.trainer import Trainer

FLOOR, TEACHER = 0.0064, 72
METHODS: dict[str, dict[str, Any]] = {
    "magnitude": {},
    "drr": {"alpha": 10.0, "alpha_convention": "sum", "beta": 5.0},
    "rl1": {"alpha": 6.0, "alpha_convention": "sum"},
    "pmmp": {"alpha": 100.0, "alpha_convention": "sum", "initial_u": 1.0},
}
NUMBERS = ("test_mse", "test_truth_mse", "nonzeros")
FIRST_SEED = 3  # settings were chosen with lower ones


class Asked(NamedTuple):
    """One run."""

    method: str
    seed: int
    epochs: int
    evaluate: int
    lr: float
    alpha: float | None

    @property
    def config(self) -> TrialConfig:
        method = {"name": self.method, "finetune_epochs": self.epochs // 5, **METHODS[self.method]}
        if self.alpha is not None and "alpha" in method:
            method["alpha"] = self.alpha
        raw = {
            "method": method,
            "data": {"name": "teacher_student", "seed": self.seed},
            "model": {"name": "mlp", "hidden": [25, 25], "activation": "tanh", "init": "lux"},
            "training": {
                "epochs": self.epochs, "evaluate": f"{self.evaluate}ep", "keep_row": max(1, 100 // self.evaluate),
                "batch_size": 300, "optimizer": "adam", "lr": self.lr, "loss": "gauss", "keep": "best",
                "device": "cpu",
            },
            "seed": self.seed,
        }  # fmt: skip
        return resolve_trial(raw, REGISTRIES)


def run(asked: Asked) -> tuple[dict[str, float], str]:
    """A run's numbers, with its minutes; or why it came to nothing."""
    torch.set_num_threads(1)
    began, trainer = time.perf_counter(), Trainer(asked.config)
    try:
        list(trainer)
        numbers = trainer.finish()
    except TrainingFailed as error:
        return {}, str(error)
    return {name: numbers[name] for name in ("val_mse", *NUMBERS)} | {"minutes": (time.perf_counter() - began) / 60}, ""


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The mean, and half the width of its 95 % interval; NaN of one value."""
    if len(values) < 2:
        return statistics.fmean(values), math.nan
    width: float = t.ppf(0.975, len(values) - 1) * statistics.stdev(values) / math.sqrt(len(values))
    return statistics.fmean(values), width


def told(asked: Asked, numbers: dict[str, float], reason: str) -> str:
    name = f"{asked.method:9} seed {asked.seed:3}"
    if reason:
        return f"{name}  {reason}"
    said = f"validation mse {numbers['val_mse']:.5f}; {numbers['nonzeros']:.0f} non-zeros"
    return f"{name}  {said}; {numbers['minutes']:.1f} min"


def table(results: dict[str, list[dict[str, float]]]) -> str:
    lines = [
        "| method | runs | test MSE | / 0.0064 | MSE against the teacher | non-zeros | / 72 |",
        "|---|---|---|---|---|---|---|",
    ]
    for method, runs in results.items():
        if not runs:
            lines.append(f"| {method} | 0 | | | | | |")
            continue
        error, exact, left = (interval([each[name] for each in runs]) for name in NUMBERS)
        said = [
            f"{error[0]:.5f} ± {error[1]:.5f}", f"{error[0] / FLOOR:.2f}", f"{exact[0]:.5f} ± {exact[1]:.5f}",
            f"{left[0]:.0f} ± {left[1]:.0f}", f"{left[0] / TEACHER:.2f}",
        ]  # fmt: skip
        lines.append(f"| {method} | {len(runs)} | {' | '.join(said)} |")
    return "\n".join(lines)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seeds", type=int, default=10, help="of each method")
    options.add_argument("--first-seed", type=int, default=FIRST_SEED)
    options.add_argument("--epochs", type=int, default=50_000, help="before pruning")
    options.add_argument("--evaluate", type=int, default=10, help="every how many epochs")
    options.add_argument("--lr", type=float, default=5e-4)
    options.add_argument("--alpha", type=float, help="of all methods that have one; to try others, without test data")
    options.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    options.add_argument("--workers", type=int, default=1)
    wanted = options.parse_args()
    seeds = range(wanted.first_seed, wanted.first_seed + wanted.seeds)
    asked = [
        Asked(method, seed, wanted.epochs, wanted.evaluate, wanted.lr, wanted.alpha)
        for seed in seeds
        for method in wanted.methods
    ]
    results: dict[str, list[dict[str, float]]] = {method: [] for method in wanted.methods}
    with ProcessPoolExecutor(wanted.workers, multiprocessing.get_context("spawn")) as pool:
        coming = {pool.submit(run, each): each for each in asked}
        for done in as_completed(coming):
            numbers, reason = done.result()
            if numbers:
                results[coming[done].method].append(numbers)
            print(told(coming[done], numbers, reason), flush=True)
    if wanted.alpha is None:
        print(table(results))


if __name__ == "__main__":
    main()

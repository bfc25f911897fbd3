"""Lottery tickets on MNIST as published: what a ticket, its control and the dense network reach, and when.

    SPARSETUNE_DATA=... python benchmarks/lottery.py [--seeds 10] [--at 9] [--workers 2] [--figure FILE.png]

LeNet-300-100, Adam 1.2e-3, batches of 60, p = 0.2 (output 0.1), evaluated every 100 iterations on 5,000 validation
samples. Figures are of each level's early-stopping iteration, that of the lowest validation loss. Means with 95 %
intervals over seeds (Student's t); differences are paired by seed. About three minutes a seed on one core; controls at
more levels take as long again for each eleven.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import torch
from scipy import stats

from sparsetune.base.messages import Result
from sparsetune.config.overrides import assign
from sparsetune.config.trial import resolve_trial
from sparsetune.report.canvas import save
from sparsetune.report.levels_figure import levels_figure
from sparsetune.sparsity.methods.lottery import LotteryTicket
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.trainer import Trainer

ARMS = ("ticket", "reinit_same_mask")
KEPT = ("density", "val_accuracy", "test_accuracy", "best_iteration")


def trained(
    seed: int, *, iterations: int, at: Sequence[int], arms: Sequence[str] = ARMS
) -> dict[str, list[dict[str, float]]]:
    """By arm, the levels' numbers at their early-stopping iterations."""
    torch.set_num_threads(1)
    raw = {
        "method": {"name": "lottery", "levels": max(at), "arms_at": list(at)},
        "data": {"name": "mnist", "root": os.environ["SPARSETUNE_DATA"], "val_size": 5000},
        "model": {"name": "lenet_300_100", "init": "glorot"},
        "training": {
            "iterations": iterations, "evaluate": "100it", "batch_size": 60, "optimizer": "adam", "lr": 1.2e-3,
            "device": "cpu",
        },
        "seed": seed,
    }  # fmt: skip
    parts = {arm: resolve_trial(assign(raw, {"method.arm": arm}), REGISTRIES).method for arm in arms}
    trainer = Trainer(resolve_trial(raw, REGISTRIES), parts)
    while trainer.go_on():
        for due in trainer.due:
            trainer.measure(due)
    trainer.finish()
    early = {arm: [each.metrics for each in trainer.results.of_run(arm) if each.which == "best"] for arm in arms}
    return {arm: [{name: level[name] for name in KEPT} for level in levels] for arm, levels in early.items()}


def interval(values: Sequence[float]) -> str:
    """The mean, and half of its 95 % interval."""
    half = stats.sem(values) * stats.t.ppf(0.975, len(values) - 1) if len(values) > 1 else float("nan")
    return f"{np.mean(values):9.2f} +- {half:5.2f}"


def draw(runs: Sequence[Mapping[str, Sequence[Mapping[str, float]]]], path: Path) -> None:
    """As the figure that a study leaves."""
    wanted = LotteryTicket.results_figure
    assert wanted is not None
    branches = {arm: [[Result("", "best", 0, 0, dict(level)) for level in run[arm]] for run in runs] for arm in ARMS}
    figure = levels_figure(branches, wanted)
    if figure is not None:
        save(figure, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--iterations", type=int, default=8000)
    parser.add_argument("--at", type=int, nargs="+", default=[9], help="levels of the control; the last is compared")
    parser.add_argument("--figure", type=Path, help="a PNG of all levels")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="all numbers, a line a seed")
    options = parser.parse_args()
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    one = partial(trained, iterations=options.iterations, at=sorted(options.at))
    runs = []
    with ProcessPoolExecutor(options.workers) as pool:
        for seed, run in zip(seeds, pool.map(one, seeds), strict=True):
            runs.append(run)
            if options.json:
                print(json.dumps({"seed": seed, **run}), flush=True)
    if options.figure is not None:
        draw(runs, options.figure)
    of = {"dense": [run["ticket"][0] for run in runs], **{arm: [run[arm][-1] for run in runs] for arm in ARMS}}
    print(f"{'':34}{'test accuracy, %':>18}{'iteration':>18}")
    for arm, each in of.items():
        accuracy, iteration = ([level[name] for level in each] for name in ("test_accuracy", "best_iteration"))
        share = 100 * np.mean([level["density"] for level in each])
        print(f"{arm:20}{share:6.1f} % left {interval([100 * a for a in accuracy])}  {interval(iteration)}")
    for other in ("dense", "reinit_same_mask"):
        pairs = list(zip(of["ticket"], of[other], strict=True))
        gain = interval([100 * (a["test_accuracy"] - b["test_accuracy"]) for a, b in pairs])
        ratio = np.mean([a["best_iteration"] for a, _ in pairs]) / np.mean([b["best_iteration"] for _, b in pairs])
        print(f"ticket less {other:22} {gain}   iterations {ratio:.2f} times")


if __name__ == "__main__":
    main()

"""Tickets from few samples, trained on all: how much of the published contrast is the schedule's doing?

    SPARSETUNE_DATA=... python benchmarks/few_samples.py [--samples 100 1000] [--seeds 5] [--at 1] [--workers 2]

As lottery-ticket-hypothesis-different-scale has it: LeNet with tanh on MNIST, batches of 16, the sum of their losses,
one cycle up to lr 1e-3 over 20 epochs, nine prunings of 20 % (13.4 % are left), on so many samples. Then the ticket of
the last level, and controls, are trained on all samples by a schedule planned over 20 epochs, and looked at after the
first (``--at``). Accuracy is of 10,000 validation samples; means with 95 % intervals over seeds (Student's t),
differences paired by seed. About three minutes a seed on one core.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import stats

from sparsetune.base.messages import Job, Key
from sparsetune.config.overrides import assign
from sparsetune.config.trial import TrialConfig, resolve_trial
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.trainer import Trainer
from sparsetune.training.trial import run_trial

EPOCHS, LEVELS = 20, 9
ARMS = ("ticket", "new_weights", "random_mask")
SCHEDULES = ("onecycle", "constant")
Numbers = dict[str, list[float]]  # by "samples schedule arm": validation accuracy at each epoch that was asked for


def config(seed: int, method: Mapping[str, Any], samples: int | None, schedule: str) -> TrialConfig:
    raw = {
        "method": method,
        "data": {"name": "mnist", "root": os.environ["SPARSETUNE_DATA"], "val_size": 10_000, "num_train": samples},
        "model": {"name": "lenet5_tanh", "init": "xavier"},
        "training": {
            "epochs": EPOCHS, "batch_size": 16, "reduction": "sum", "lr": 1e-3, "momentum": 0.9, "schedule": schedule,
            "device": "cpu",
        },
        "seed": seed,
    }  # fmt: skip
    return resolve_trial(raw, REGISTRIES)


def tickets(seed: int, samples: int, folder: Path) -> None:
    """Leave those of all levels in a folder."""
    lottery = {"name": "lottery", "levels": LEVELS, "output_factor": 1, "counting": "percentile"}
    one = config(seed, lottery, samples, "onecycle")
    *_, last = run_trial(Job(Key(0, seed), one.plain(), str(folder)))
    assert last.outcome is not None
    assert last.outcome.state == "COMPLETE", last.outcome.reason


def retrained(one: TrialConfig, at: Sequence[int]) -> list[float]:
    """Accuracy after these epochs."""
    rows = []
    for row in Trainer(one):
        rows.append(row.metrics["val_accuracy"])
        if len(rows) == max(at):
            break
    return [rows[epoch - 1] for epoch in at]


def of_seed(seed: int, *, samples: Sequence[int], at: Sequence[int]) -> Numbers:
    torch.set_num_threads(1)
    numbers = {}
    for count in samples:
        with tempfile.TemporaryDirectory() as folder:
            tickets(seed, count, Path(folder))
            retrain = {"name": "ticket_retrain", "source": folder, "level": LEVELS}
            for schedule in SCHEDULES:
                base = config(seed, retrain, None, schedule)
                for arm in ARMS:
                    one = resolve_trial(assign(base.plain(), {"method.arm": arm}), REGISTRIES)
                    numbers[f"{count} {schedule} {arm}"] = retrained(one, at)
    return numbers


def interval(values: Sequence[float]) -> str:
    """The mean, and half of its 95 % interval."""
    half = stats.sem(values) * stats.t.ppf(0.975, len(values) - 1) if len(values) > 1 else float("nan")
    return f"{np.mean(values):6.3f} +- {half:5.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--at", type=int, nargs="+", default=[1], help="epochs of 20")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="all numbers, a line a seed")
    options = parser.parse_args()
    runs = []
    with ProcessPoolExecutor(options.workers) as pool:
        for run in pool.map(partial(of_seed, samples=options.samples, at=options.at), range(options.seeds)):
            runs.append(run)
            if options.json:
                print(json.dumps({"seed": len(runs) - 1, **run}), flush=True)
    print(f"{'samples':>7}  {'epoch':>5}  {'schedule':9}{'arm':13}{'validation accuracy':19}  ticket less it")
    for index, epoch in enumerate(options.at):
        for name in runs[0]:
            samples, schedule, arm = name.split()
            values = [run[name][index] for run in runs]
            of_ticket = [run[f"{samples} {schedule} ticket"][index] for run in runs]
            less = "" if arm == "ticket" else interval(np.subtract(of_ticket, values).tolist())
            print(f"{samples:>7}  {epoch:5}  {schedule:9} {arm:13}{interval(values):19}  {less}")


if __name__ == "__main__":
    main()

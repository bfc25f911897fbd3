"""Are all numbers those of an earlier commit, bit for bit? Small studies, run with its code and with this one.

    python benchmarks/same_numbers.py FOLDER [--methods dense ast slt] [--ways in-process ray]

FOLDER is a checkout of the earlier commit. Each study runs with its code once in this process' way and once on Ray, and
with the present code in both ways, uninterrupted and killed (SIGKILL after a checkpoint) and started again. Compared
are all trials in Optuna's storage with all their metrics, and all points of all runs in MLflow; timings are left out,
and settings that the earlier commit may not have.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

from sparsetune.testing.studies import start, stored_trials, tracked_runs, write_study

WAYS = {"in-process": ("--in-process",), "ray": ("--workers", "2")}
SINCE = {"training": ("iterations", "evaluate", "keep_row")}  # settings, by section
KILLED = "after-checkpoint:3"
EACH: dict[str, Any] = {
    "sampler": "random",
    "objectives": [{"metric": "val_accuracy", "goal": "maximize"}],
    "budget": {"trials": 2},
}
ADAM = {"optimizer": "adam", "keep": "best", "early_stop_patience": 2, "grad_accum_steps": 2}
COSINE = {"schedule": {"name": "cosine", "per": "step"}, "warmup_epochs": 1, "clip_grad_norm": 1.0, "keep": "best"}
LR = {"training.lr": {"float": [1e-2, 1e-1], "log": True}}
FORK = {"replicates": 2, "fork": {"method.mc_samples": [1, 4]}, "training": {"epochs": 4, "batch_size": 128, **COSINE}}
NORMED = {
    "model": {"name": "mlp", "hidden": [16], "batch_norm": True},
    "training": {"epochs": 5, "batch_size": 128, **ADAM},
}
STUDIES: dict[str, dict[str, dict[str, Any]]] = {
    "dense": {
        "plain": {"method": "dense", "space": LR},
        "batch norm, adam, best, patience": {"method": "dense", "space": LR, **NORMED},
        "replicates, fork, cosine": {"method": {"name": "dense", "n_dropout_layers": 1}, "space": LR, **FORK},
    },
    "ast": {
        "plain": {"method": "ast", "space": {"method.kp": {"float": [0.01, 0.5]}}},
        "adam, best, patience, warm-up": {
            "method": {"name": "ast", "normalize": "ema", "kp_warmup_epochs": 2},
            "space": {"method.target_activation": {"float": [0.2, 0.8]}},
            "training": {"epochs": 5, "batch_size": 128, **ADAM},
        },
        "replicates, each epoch": {
            "method": {"name": "ast", "normalize": "none"},
            "space": {"method.ki": {"float": [0.0, 0.02]}},
            "replicates": 2,
            "metrics": {"each_epoch": True},
        },
    },
    "slt": {
        "plain": {"method": "slt", "space": {"method.sparsity": {"float": [0.2, 0.6]}}},
        "by layer, adam, best": {
            "method": {"name": "slt", "scope": "layer", "scale_weights": True},
            "space": {"method.sparsity": {"float": [0.2, 0.6]}},
            "training": {"epochs": 4, "batch_size": 128, **ADAM},
        },
        "replicates, fork": {
            "method": {"name": "slt", "n_dropout_layers": 1, "rank_by_fan_in": True},
            "space": {"method.sparsity": {"float": [0.2, 0.6]}},
            **FORK,
        },
    },
}


def run(code: Path, root: Path, options: tuple[str, ...], study: dict[str, Any], *, killed: bool = False) -> Path:
    """Run a study with this code in a project of its own; killed once on the way if asked for, and started again."""
    file = write_study(root, **{**EACH, **study})
    for _ in range(2):
        process = start(file, *options, failpoint=KILLED if killed else None, code=code)
        said, _ = process.communicate()
        if process.returncode == 0:
            break
    else:
        sys.exit(said)
    if killed and not (root / "died").exists():
        sys.exit(f"{root.name} was not killed: it passes {KILLED} nowhere")
    return root


def trials_of(root: Path) -> list[dict[str, Any]]:
    """All trials in Optuna's storage."""
    trials = stored_trials(root)
    for section, names in SINCE.items():
        for trial, name in product(trials, names):
            trial["config"][section].pop(name, None)
    return trials


def runs_of(root: Path) -> dict[int, list[str]]:
    """All points of each trial's runs in MLflow, which lists them in any order.

    Not their files: which trials are drawn depends, with two workers, on which ended first.
    """
    kept = ("status", "params", "history")
    since = {f"{section}.{name}" for section, names in SINCE.items() for name in names}
    found: dict[int, list[str]] = {}
    for number, runs in tracked_runs(root).items():
        for run in runs:
            run["history"] = sorted(run["history"].items())
            run["params"] = {name: value for name, value in run["params"].items() if name not in since}
        found[number] = sorted(repr({key: run[key] for key in kept}) for run in runs)
    return found


def different(found: Path, wanted: Path) -> list[str]:
    """In what two projects' studies differ."""
    named: dict[str, Callable[[Path], object]] = {"trials": trials_of, "runs": runs_of}
    return [what for what, read in named.items() if read(found) != read(wanted)]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("before", type=Path, metavar="FOLDER")
    options.add_argument("--methods", nargs="+", choices=STUDIES, default=list(STUDIES))
    options.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    given = options.parse_args()
    before, now = given.before.resolve(strict=True), Path(__file__).resolve().parents[1]
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # bit for bit is a promise on a CPU
    wrong = 0
    for method, way in product(given.methods, given.ways):
        for name, study in STUDIES[method].items():
            began = time.monotonic()
            with tempfile.TemporaryDirectory(prefix="same-") as folder:
                wanted = run(before, Path(folder, "before"), WAYS[way], study)
                found = {
                    "through": run(now, Path(folder, "through"), WAYS[way], study),
                    "killed": run(now, Path(folder, "killed"), WAYS[way], study, killed=True),
                }
                trials, runs = stored_trials(wanted), tracked_runs(wanted)
                numbers = sum(len(each["history"]) for trial in runs.values() for each in trial)
                assert all(trial["state"] == "COMPLETE" for trial in trials)
                said = []
                for how, root in found.items():
                    wrong += bool(differ := different(root, wanted))
                    said.append(f"{how}: {'other ' + ' and '.join(differ) if differ else 'the same'}")
            print(
                f"{method} {way}, {name}: {len(trials)} trials, {numbers} metrics; {', '.join(said)} "
                f"({time.monotonic() - began:.0f} s)",
                flush=True,
            )
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()

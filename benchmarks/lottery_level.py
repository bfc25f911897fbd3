"""What does a level of lottery tickets cost, against plain training of as many iterations and evaluations?

    SPARSETUNE_DATA=... python benchmarks/lottery_level.py [--iterations 2000] [--levels 3]

LeNet-300-100 on MNIST, Adam, batches of 60, an evaluation every 100 iterations, one thread. Both are trained by turns,
from evaluation to evaluation, each turn's processor time counted; a level's share is all of it: pruning, rewinding,
and measuring its two states on test data. Plain training measures its one state at its end.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import defaultdict
from typing import Any

import torch

from sparsetune.config.trial import resolve_trial
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.trainer import Trainer


def trainer(method: dict[str, Any], iterations: int) -> Trainer:
    raw = {
        "method": method,
        "data": {"name": "mnist", "root": os.environ["SPARSETUNE_DATA"], "val_size": 5000},
        "model": {"name": "lenet_300_100", "init": "glorot"},
        "training": {
            "iterations": iterations, "evaluate": "100it", "batch_size": 60, "optimizer": "adam", "lr": 1.2e-3,
            "device": "cpu",
        },
    }  # fmt: skip
    return Trainer(resolve_trial(raw, REGISTRIES))


def turn(training: Trainer, spent: dict[str, float]) -> None:
    """To the next evaluation, with what is measured there, on the account of the stage."""
    began = time.process_time()
    training.go_on()
    for due in training.due:
        training.measure(due)
    spent[training.node.stage.name] += time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--iterations", type=int, default=2000)
    parser.add_argument("--levels", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    chain = trainer({"name": "lottery", "levels": options.levels}, options.iterations)
    spent: dict[str, float] = defaultdict(float)
    plain: list[float] = []
    while not chain.done:
        dense, of_dense = trainer({"name": "dense"}, options.iterations), defaultdict[str, float](float)
        while not dense.done:
            turn(dense, of_dense)
            turn(chain, spent)
        plain += of_dense.values()
    for (level, seconds), other in zip(spent.items(), plain, strict=True):
        print(f"{level}: {seconds:.2f} s, plain training {other:.2f} s: {seconds / other:.3f} times")


if __name__ == "__main__":
    main()

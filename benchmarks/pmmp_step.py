"""What does a step of PMMP cost, against one of plain training?

    SPARSETUNE_DATA=... python benchmarks/pmmp_step.py [--rounds 15]

LeNet-300-100 on MNIST, Adam, one thread, batches of 60 and of 500. Method `magnitude`, `pmmp`, and `pmmp` under masks
(which half of the weights wear) take turns of 50 steps, to and fro; of each the processor time of its steps alone. The
medians over all rounds but the first, and their ratios to the first method.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from typing import Any

import torch

from sparsetune.config.trial import resolve_trial
from sparsetune.data.delivery import batches
from sparsetune.training.loop import train_steps
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.setup import Setup, set_up
from sparsetune.training.task import Meter

STEPS = 50


def setup(method: dict[str, Any], batch: int, *, masked: bool = False) -> Setup:
    raw = {
        "method": method,
        "data": {"name": "mnist", "root": os.environ["SPARSETUNE_DATA"], "val_size": 5000},
        "model": "lenet_300_100",
        "training": {"batch_size": batch, "optimizer": "adam", "lr": 1e-3, "device": "cpu"},
    }
    config = resolve_trial(raw, REGISTRIES)
    made = set_up(config, config.method, REGISTRIES)
    if masked:
        for name, weight in made.session.prunable.items():
            made.session.masks[name] = torch.rand(weight.shape) < 0.5
    made.session.wear()
    return made


def turns(made: Setup) -> Iterator[float]:
    """Seconds of the processor for each step, of turn after turn."""
    training, counters = made.config.training, made.session.counters
    step = partial(train_steps, made.network, made.method, made.optimizer, made.task)
    while True:
        order = made.order.next(counters, STEPS)
        meter = Meter(made.task)
        began = time.process_time()
        done = step(batches(made.data.train, training.batch_size, order), meter, cost=made.session.cost)
        yield (time.process_time() - began) / done
        made.order.went(counters, done)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    torch.set_num_threads(1)
    pmmp = {"name": "pmmp", "alpha": 1e-4, "initial_u": 1.0}
    for batch in (60, 500):
        ways = {
            "magnitude": turns(setup({"name": "magnitude"}, batch)),
            "pmmp": turns(setup(pmmp, batch)),
            "pmmp under masks": turns(setup(pmmp, batch, masked=True)),
        }
        spent: dict[str, list[float]] = defaultdict(list)
        for number in range(options.rounds):
            for name, way in list(ways.items())[:: 1 if number % 2 else -1]:
                spent[name].append(next(way))
        medians = {name: statistics.median(seconds[1:]) for name, seconds in spent.items()}
        for name, median in medians.items():
            ratio = median / medians["magnitude"]
            print(f"batch {batch}: {name:17} {median * 1e3:7.3f} ms a step, {ratio:.2f} times magnitude")


if __name__ == "__main__":
    main()

"""How well does the controller hold its target? Each normalisation, optimiser and target over seeds and starts.

    python benchmarks/ast_controller.py [--seeds 3] [--normalize log ema none]

MLP 300-100 on digits, 40 epochs, batch 64, kp 0.1, ki 0.01; the threshold starts e times above or below the
(1 - target) quantile of the first batch. Activation is that of the last half of the steps; the floor is
sqrt(t (1 - t) / B), what random picks would scatter by.
"""

from __future__ import annotations

import argparse
import math
import statistics
from itertools import product
from typing import Any

import torch

from sparsetune.config.trial import resolve_trial
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.trainer import Trainer

BATCH = 64
TARGETS = (0.1, 0.25, 0.5, 0.8)
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "sgd": {"optimizer": "sgd", "lr": 0.01, "momentum": 0.9},
    "adam": {"optimizer": "adam", "lr": 1e-3},
}


def trainer(optimizer: str, seed: int, **method: Any) -> Trainer:
    """A training of the benchmark's network."""
    raw = {
        "method": {"name": "ast", "kp": 0.1, "ki": 0.01, **method},
        "data": "digits",
        "model": {"name": "mlp", "hidden": [300, 100]},
        "training": {"epochs": 40, "batch_size": BATCH, **OPTIMIZERS[optimizer]},
        "seed": seed,
    }
    return Trainer(resolve_trial(raw, REGISTRIES))


def quantile_start(optimizer: str, seed: int, **method: Any) -> float:
    """The threshold that a training starts with when none is given: one epoch tells."""
    first = trainer(optimizer, seed, **method)
    next(first)
    return float(first.method.trace()["threshold"][0])


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seeds", type=int, default=3)
    options.add_argument("--normalize", nargs="+", default=["log"])
    given = options.parse_args()
    torch.set_num_threads(1)
    print("normalize  optimizer  target   error: worst   std: mean   worst   floor   worst/floor   val accuracy: mean")
    for normalize, optimizer, target in product(given.normalize, OPTIMIZERS, TARGETS):
        ends = []
        for seed, direction in product(range(given.seeds), (1, -1)):
            method = {"normalize": normalize, "target_activation": target}
            start = quantile_start(optimizer, seed, **method) * math.exp(direction)
            training = trainer(optimizer, seed, **method, initial_threshold=start)
            for _ in training:
                pass
            ends.append(training.finish())
        floor = math.sqrt(target * (1 - target) / BATCH)
        error = max((end["steady_state_error"] for end in ends), key=abs)
        spread = [end["activation_std"] for end in ends]
        accuracy = statistics.mean(end["val_accuracy"] for end in ends)
        print(
            f"{normalize:9}  {optimizer:9}  {target:6}   {error:+12.4f}   {statistics.mean(spread):9.4f}   "
            f"{max(spread):.4f}   {floor:.4f}   {max(spread) / floor:11.3f}   {accuracy:18.4f}"
        )


if __name__ == "__main__":
    main()

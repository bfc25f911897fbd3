"""What does AST cost in accuracy? Test accuracy against dense training of equal epochs, paired by seed.

    python benchmarks/ast_accuracy.py [--seeds 10]

MLP 300-100 on digits, 40 epochs, batch 64, SGD 0.01 with momentum 0.9. A pair shares data, initial weights and data
order; the interval is the 95 % t-interval of the mean difference.
"""

from __future__ import annotations

import argparse
import math
import statistics

import torch
from scipy.stats import t as student

from sparsetune.base.messages import Metrics
from sparsetune.config.trial import resolve_trial
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.trainer import Trainer

TARGETS = (0.1, 0.25, 0.5, 0.8)


def train(target: float, seed: int) -> Metrics:
    """The metrics of one training; target 1 is dense."""
    raw = {
        "method": {"name": "ast", "target_activation": target},
        "data": "digits",
        "model": {"name": "mlp", "hidden": [300, 100]},
        "training": {"epochs": 40, "batch_size": 64},
        "seed": seed,
    }
    training = Trainer(resolve_trial(raw, REGISTRIES))
    for _ in training:
        pass
    return training.finish()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seeds", type=int, default=10)
    seeds = options.parse_args().seeds
    torch.set_num_threads(1)
    dense = [train(1.0, seed)["test_accuracy"] for seed in range(seeds)]
    print(f"dense: test accuracy {statistics.mean(dense):.4f} (mean of {seeds} seeds)")
    print("target   test accuracy   difference to dense, 95 % interval   compute saved")
    for target in TARGETS:
        ends = [train(target, seed) for seed in range(seeds)]
        pairs = [end["test_accuracy"] - base for end, base in zip(ends, dense, strict=True)]
        half = student.ppf(0.975, seeds - 1) * statistics.stdev(pairs) / math.sqrt(seeds)
        accuracy = statistics.mean(end["test_accuracy"] for end in ends)
        saved = statistics.mean(end["compute_saved"] for end in ends)
        mean = statistics.mean(pairs)
        print(f"{target:6}   {accuracy:13.4f}   {mean:+.4f} [{mean - half:+.4f}, {mean + half:+.4f}]   {saved:22.3f}")


if __name__ == "__main__":
    main()

"""Lottery tickets on real MNIST; SPARSETUNE_DATA names a folder with MNIST/raw. About twelve minutes on one core.

As published: LeNet-300-100, Adam 1.2e-3, batches of 60, a fifth of each layer a level, a tenth of the output layer. The
figures are those of the early-stopping iteration, where the loss on 5,000 validation samples is lowest.
"""

import os
from pathlib import Path

import pytest

from sparsetune.base.messages import Metrics
from sparsetune.config.overrides import assign
from sparsetune.config.trial import resolve_trial
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.trainer import Trainer

DATA = os.environ.get("SPARSETUNE_DATA", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(7200),
    pytest.mark.skipif(not Path(DATA, "MNIST").is_dir(), reason="SPARSETUNE_DATA names no folder with MNIST"),
]
SEEDS = (0, 1, 2)
LEVEL = 9  # 13.5 % of the weights are left
CONTROL = "reinit_same_mask"


def early(seed: int) -> dict[str, Metrics]:
    """The dense network, the ticket at the last level, and its control, each at its early-stopping iteration."""
    raw = {
        "method": {"name": "lottery", "levels": LEVEL, "arms_at": [LEVEL]},
        "data": {"name": "mnist", "root": DATA, "val_size": 5000},
        "model": {"name": "lenet_300_100", "init": "glorot"},
        "training": {
            "iterations": 8000, "evaluate": "100it", "batch_size": 60, "optimizer": "adam", "lr": 1.2e-3,
            "device": "cpu",
        },
        "seed": seed,
    }  # fmt: skip
    arms = {arm: resolve_trial(assign(raw, {"method.arm": arm}), REGISTRIES).method for arm in ("ticket", CONTROL)}
    trainer = Trainer(resolve_trial(raw, REGISTRIES), arms)
    list(trainer)
    trainer.finish()
    best = {arm: [each for each in trainer.results.of_run(arm) if each.which == "best"] for arm in arms}
    return {"dense": best["ticket"][0].metrics, **{arm: levels[-1].metrics for arm, levels in best.items()}}


def test_the_ticket_is_better_and_sooner() -> None:
    runs = [early(seed) for seed in SEEDS]

    def mean(which: str, metric: str) -> float:
        values = [run[which][metric] for run in runs]
        print(which, metric, values)
        return sum(values) / len(values)

    assert mean("ticket", "density") == pytest.approx(0.135, abs=0.0005)
    ticket, iteration = mean("ticket", "test_accuracy"), mean("ticket", "best_iteration")
    assert ticket > mean("dense", "test_accuracy")
    assert ticket >= mean(CONTROL, "test_accuracy") + 0.002
    assert iteration <= 0.6 * mean(CONTROL, "best_iteration")
    assert iteration <= 0.7 * mean("dense", "best_iteration")

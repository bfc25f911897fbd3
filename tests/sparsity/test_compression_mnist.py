"""DRR with TAMADE on real MNIST; SPARSETUNE_DATA names a folder with MNIST/raw. About two minutes on one core.

LeNet-300-100, Adam 1e-3, batches of 500, 40 epochs with the penalty and 10 without, delta 0.05 on 5,000 validation
samples. The bounds are those that an independent run of the same setting leaves room for.
"""

import os
from pathlib import Path

import pytest

from sparsetune.config.trial import resolve_trial
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.trainer import Trainer

DATA = os.environ.get("SPARSETUNE_DATA", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not Path(DATA, "MNIST").is_dir(), reason="SPARSETUNE_DATA names no folder with MNIST"),
]


@pytest.mark.parametrize(("alpha", "ratio", "accuracy"), [(1e-5, 25, 0.975), (1e-4, 100, 0.955)])
def test_few_weights_are_nearly_as_good(alpha: float, ratio: float, accuracy: float) -> None:
    raw = {
        "method": {"name": "drr", "alpha": alpha, "delta": 0.05, "finetune_epochs": 10},
        "data": {"name": "mnist", "root": DATA, "num_train": 45000, "val_size": 5000},
        "model": {"name": "lenet_300_100"},
        "training": {"epochs": 40, "batch_size": 500, "optimizer": "adam", "lr": 1e-3, "device": "cpu"},
    }
    config = resolve_trial(raw, REGISTRIES)
    assert (config.method.beta, config.method.alpha_convention) == (5.0, "mean")
    trainer = Trainer(config)
    list(trainer)
    numbers = trainer.finish()
    print(f"alpha {alpha:g}: {numbers['compression_ratio']:.1f} times smaller, {numbers['nonzeros']:.0f} parameters, ")
    print(f"test accuracy {numbers['test_accuracy']:.4f}")
    assert numbers["compression_ratio"] >= ratio
    assert numbers["test_accuracy"] >= accuracy

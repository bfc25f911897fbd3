"""Results that others have published, on real data; SPARSETUNE_DATA names a folder with MNIST/raw."""

import os
from pathlib import Path

import pytest

from sparsetune.config.trial import resolve_trial
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.trainer import Trainer

DATA = os.environ.get("SPARSETUNE_DATA", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(DATA, "MNIST").is_dir(), reason="SPARSETUNE_DATA names no folder with MNIST"),
]


def test_lenet_300_100_dense_on_mnist() -> None:
    """Adam 1.2e-3, batch 60, the best validation epoch of ten: a re-run of Frankle and Carbin has 0.980 to 0.982."""
    training = {"epochs": 10, "batch_size": 60, "lr": 1.2e-3, "optimizer": "adam", "keep": "best", "device": "cpu"}
    raw = {"method": "dense", "data": {"name": "mnist", "root": DATA}, "model": "lenet_300_100", "training": training}
    trainer = Trainer(resolve_trial(raw, REGISTRIES))
    list(trainer)
    metrics = trainer.finish()
    print({name: round(metrics[name], 4) for name in ("best_epoch", "val_accuracy", "test_accuracy")})
    assert metrics["parameters"] == 266_610
    assert metrics["test_accuracy"] >= 0.978

"""Strong lottery tickets on real MNIST; SPARSETUNE_DATA names a folder with MNIST/raw. About four minutes on one core.

LeNet-5 without biases, signed constants, SGD with momentum 0.9, cosine, batches of 128, as an independent run had them.
"""

import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from sparsetune.config.trial import resolve_trial
from sparsetune.sparsity.method import TrainingFailed
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.trainer import Trainer

DATA = os.environ.get("SPARSETUNE_DATA", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(DATA, "MNIST").is_dir(), reason="SPARSETUNE_DATA names no folder with MNIST"),
]


def trained(sparsity: float = 0.5, epochs: int = 4, width: float = 1.0, **training: Any) -> Trainer:
    raw = {
        "method": {"name": "slt", "sparsity": sparsity},
        "data": {"name": "mnist", "root": DATA},
        "model": {"name": "lenet5", "width_scale": width},
        "training": {"epochs": epochs, "batch_size": 128, "device": "cpu", **training},
        "metrics": {"each_epoch": False},
    }
    trainer = Trainer(resolve_trial(raw, REGISTRIES))
    found = trainer.config.training
    assert (found.lr, found.schedule.name) == (training.get("lr", 0.1), "cosine")
    list(trainer)
    return trainer


@cache
def accuracy(sparsity: float = 0.5, **options: Any) -> float:
    found = trained(sparsity, **options).finish()["test_accuracy"]
    print(f"sparsity {sparsity:g} {options or ''}: test accuracy {found:.4f}")
    return found


def test_half_of_the_random_weights_are_enough() -> None:
    assert accuracy() >= 0.98


def test_a_wide_network_is_quicker() -> None:
    assert accuracy(epochs=2, width=4.0) >= 0.98


def test_the_learning_rate_of_trained_weights_is_too_low() -> None:
    assert accuracy(lr=0.01) <= accuracy() - 0.008


def test_the_best_sparsity_is_inside() -> None:
    """Neither nearly all of the random weights nor few of them."""
    found = {sparsity: accuracy(sparsity) for sparsity in (0.05, 0.3, 0.5, 0.7, 0.85)}
    best = max(found, key=found.__getitem__)
    assert best not in (0.05, 0.85)
    assert found[0.05] <= found[best] - 0.05


def test_too_sparse_is_a_failure_with_the_layer_in_its_reason() -> None:
    with pytest.raises(TrainingFailed, match=r"layer_collapse: no weight of (conv2|linear1)\.weight"):
        trained(0.99)

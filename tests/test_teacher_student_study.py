"""The study of teacher and student: its parts, and a short training of each of its methods."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.threads import one_thread

from sparsetune.app.study import load
from sparsetune.config.trial import TrialConfig, resolve_trial
from sparsetune.measures.size import gauss_loss
from sparsetune.models.init import lux
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.trainer import Trainer

__all__ = ["one_thread"]
STUDY = load(Path(__file__).parents[1] / "studies" / "teacher_student.yaml")
METHODS: dict[str, dict[str, Any]] = {
    "drr": {"alpha": 0.01},
    "rl1": {"alpha": 0.01},
    "pmmp": {"alpha": 0.01, "initial_u": 1.0},
    "magnitude": {},
}


def short(name: str) -> TrialConfig:
    plain = STUDY.trial.plain()
    method = {"name": name, "finetune_epochs": 50, "random_gradient_pruning": "data", **METHODS[name]}
    training = {**plain["training"], "epochs": 200, "device": "cpu"}
    return resolve_trial({**plain, "method": method, "training": training}, REGISTRIES)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("name", METHODS)
def test_a_short_training(name: str) -> None:
    """Every fifth of twenty evaluations is a row, and one of fine-tuning."""
    trainer = Trainer(short(name))
    assert sum(parameter.numel() for parameter in trainer.network.parameters()) == 751
    list(trainer)
    numbers = trainer.finish()
    assert [row.epoch for row in trainer.record] == [50, 100, 150, 200, 250]
    assert numbers["parameters"] == 751 > numbers["nonzeros"]
    assert numbers["test_loss"] == pytest.approx(gauss_loss(numbers["test_mse"], numbers["sigma"] ** 2))
    assert numbers["test_mse"] < 0.08, "which a constant has"


def test_its_methods_and_first_weights() -> None:
    branches = STUDY.resolved()["method"]["choose"]
    assert set(branches) == set(METHODS)
    model = STUDY.trial.plain()["model"]
    assert (model["init"], model["hidden"], model["activation"]) == (lux.__name__, [25, 25], "tanh")

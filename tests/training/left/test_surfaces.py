"""What a run on data that know their truth leaves of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sparsetune.base.paths import SURFACES
from sparsetune.testing.trained import run_through, trial_config
from sparsetune.training.left.files import leave_files
from sparsetune.training.left.surfaces import surfaces
from sparsetune.training.trainer import Trainer

STUDENT = {"name": "mlp", "hidden": [25, 25], "activation": "tanh", "init": "lux"}
DATA = {"name": "teacher_student", "normalize": "standard"}


def student(**others: Any) -> tuple[Trainer, Any]:
    return run_through(trial_config("dense", STUDENT, **{"data": DATA, "epochs": 2, "optimizer": "adam", **others}))


def test_both_over_the_square(tmp_path: Path) -> None:
    """The network sees scaled inputs; the second input changes from row to row."""
    trainer, metrics = student()
    leave_files(trainer, [tmp_path], {}, metrics)
    with np.load(tmp_path / SURFACES) as stored:
        at, truth, network = (stored[name] for name in ("at", "truth", "network"))
    assert (at[0], at[-1], truth.shape, network.shape) == (-1, 1, (81, 81), (81, 81))
    point = np.array([[at[10], at[60]]], np.float32)
    assert trainer.data.truth is not None
    assert truth[60, 10] == pytest.approx(trainer.data.truth.function(point).item(), rel=1e-5)
    with torch.no_grad():
        said = trainer.network.eval()(trainer.data.val.prepared(torch.from_numpy(point)))
    assert network[60, 10] == pytest.approx(said.item(), rel=1e-4)


def test_the_error_against_the_truth() -> None:
    """Noise of deviation 0.08 adds its variance to the mean squared error, up to chance."""
    trainer, metrics = student(epochs=30)
    test = trainer.data.test
    assert trainer.data.truth is not None
    exact = trainer.data.truth.function(test.store.numpy())
    with torch.no_grad():
        said = trainer.network.eval()(test.inputs).numpy()
    assert metrics["test_truth_mse"] == pytest.approx(((said - exact) ** 2).mean(), rel=1e-5)
    assert metrics["test_mse"] == pytest.approx(0.0064 + metrics["test_truth_mse"], abs=0.002)


@pytest.mark.parametrize("teacher", [[3, 5, 1], [2, 5, 2]])
def test_there_is_no_square_of_three_inputs_and_none_of_two_outputs(teacher: list[int]) -> None:
    trainer, metrics = student(data={**DATA, "teacher": teacher})
    assert surfaces(trainer) == {}
    assert metrics["test_truth_mse"] > 0


def test_other_data_know_no_truth() -> None:
    trainer, metrics = run_through(trial_config(epochs=1))
    assert surfaces(trainer) == {}
    assert "test_truth_mse" not in metrics

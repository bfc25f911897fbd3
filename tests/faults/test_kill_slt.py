"""A training of scores that is killed in the middle ends with the same mask bit for bit."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from sparsetune.testing.studies import assert_same, finish, start, write_study

STUDY: dict[str, Any] = {
    "method": {"name": "slt", "n_dropout_layers": 1, "p_dropout": 0.2, "mc_samples": 3},
    "model": {"name": "mlp", "hidden": [32, 16], "batch_norm": True},
    "training": {"epochs": 4, "device": "cpu"},
    "metrics": {"noise_samples": 16},
    "space": {"method.sparsity": {"float": [0.2, 0.8]}},
    "objectives": [{"metric": "val_accuracy", "goal": "maximize"}, {"metric": "ece", "goal": "minimize"}],
    "budget": {"trials": 2},
    "tracking": {"checkpoint_every": "1ep"},
}


def tickets(root: Path) -> list[dict[str, np.ndarray]]:
    """Of each run, in the order of their bits."""
    found = [safetensors.numpy.load_file(file) for file in sorted((root / "mlruns").rglob("ticket.safetensors"))]
    return sorted(found, key=lambda ticket: ticket["mask"].tobytes())


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("straight")
    finish(write_study(root, **STUDY), "--in-process")
    return root


@pytest.mark.slow
@pytest.mark.parametrize("point", ["after-checkpoint:2", "after-checkpoint:7"])
def test_the_same_mask(point: str, straight: Path, tmp_path: Path) -> None:
    file = write_study(tmp_path, **STUDY)
    process = start(file, "--in-process", failpoint=point)
    said, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL, said
    finish(file, "--in-process")
    assert_same(tmp_path, straight)
    found, expected = tickets(tmp_path), tickets(straight)
    assert len(found) == len(expected) == 2
    for one, other in zip(found, expected, strict=True):
        assert one.keys() == other.keys() >= {"mask"}
        assert all(np.array_equal(one[name], other[name]) for name in one)

"""A project with finished studies to read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import sparsetune
from sparsetune.testing.studies import write_study

MIXED: dict[str, Any] = {
    "study": "mixed <b>",
    "method": "dense",
    "training": {"epochs": 3},
    "space": {
        "training.lr": {"choice": [0.01, 1e30]},  # the second diverges
        "training.batch_size": {"int": [100, 200]},
        "training.optimizer": {"choice": ["sgd", "adam"]},
        "training.momentum": {"float": [0.5, 0.95], "when": {"training.optimizer": "sgd"}},
        "model.batch_norm": {"choice": [True, False]},
    },
    "objectives": [{"metric": "val_loss", "goal": "minimize"}],
    "budget": {"trials": 8},
}


@pytest.fixture(autouse=True)
def own_tracking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with two finished studies: of two objectives; of one, with parameters of all kinds and failures."""
    root = tmp_path_factory.mktemp("project")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        for changes in (MIXED, {}):
            sparsetune.run(write_study(root, **changes), in_process=True, progress=False)
    return root


@pytest.fixture
def mixed(root: Path) -> sparsetune.StudyResult:
    return sparsetune.load("mixed <b>", root=root)

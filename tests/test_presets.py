"""The studies of AST-LAB's configurations: each is loaded and trains two batches of made images."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.data_files import write_cifar
from PIL import Image

from sparsetune.app import inputs
from sparsetune.app.parts import registries
from sparsetune.config.overrides import assign
from sparsetune.config.study.load import load_study
from sparsetune.config.trial import resolve_trial
from sparsetune.data.cifar10 import Cifar10
from sparsetune.training.trainer import Trainer

STUDIES = Path(__file__).parent.parent / "studies"
BATCH = 12  # with two active samples at least, as BatchNorm wants, still below the lowest target
SMALL = {
    "training.epochs": 1,
    "training.batch_size": BATCH,
    "training.lr": 1e-3,  # the published ones are too much for so few samples
    "method.min_active": 2,
    "data.num_train": 2 * BATCH,
    "model.width_scale": 0.25,
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Two classes of small JPEG files."""
    root = tmp_path_factory.mktemp("images")
    random = np.random.default_rng(0)
    for split, count in (("train", 16), ("test", 2)):
        for label in ("cat", "dog"):
            folder = root / split / label
            folder.mkdir(parents=True)
            for number in range(count):
                pixels = random.integers(0, 256, (70, 80, 3), np.uint8)
                Image.fromarray(pixels).save(folder / f"{number}.jpg")
    return {"data.train_dir": str(root / "train"), "data.test_dir": str(root / "test"), "data.val_size": 4}


def trained(name: str, changes: dict[str, Any]) -> Trainer:
    study = load_study(STUDIES / f"{name}.yaml", registries, {**SMALL, **changes})
    places = inputs.locate(study.trial, study.project, registries(), study.source)
    inputs.prepare(study.trial, places, registries(), study.source, lambda done, total: None, study.space)
    trainer = Trainer(resolve_trial(assign(study.trial.plain(), places), registries()))
    list(trainer)
    assert set(trainer.finish()) >= {objective.metric for objective in study.objectives}
    return trainer


@pytest.mark.parametrize(
    "name",
    [
        "ast_resnet18_imagenette",
        *(
            pytest.param(f"ast_{model}_imagenet", marks=pytest.mark.slow)
            for model in ("resnet50", "vit_b_16", "convnext_base")
        ),
    ],
)
def test_on_folders(name: str, folders: dict[str, Any]) -> None:
    """At 64 x 64 pixels and a quarter of the width, so that the largest models take a second."""
    trainer = trained(name, {**folders, "data.resize": 64})
    assert trainer.cost.steps == 2
    assert 0 < trainer.cost.trained <= trainer.cost.scored == 2 * BATCH


def test_on_cifar10(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Cifar10, "sizes", {"train": 100, "test": 10})
    write_cifar(Cifar10, Cifar10.layouts[0], tmp_path)
    trainer = trained("ast_resnet18_cifar10", {"data.root": str(tmp_path), "data.val_size": 10})
    assert trainer.cost.steps == 2

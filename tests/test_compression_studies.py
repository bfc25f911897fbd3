"""The standard configurations of efficient-compression: each trains two epochs before pruning and two after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.data_files import write_cifar, write_idx
from helpers.threads import one_thread

from sparsetune.app import inputs
from sparsetune.app.parts import registries
from sparsetune.config.overrides import assign
from sparsetune.config.study.load import load_study
from sparsetune.config.trial import resolve_trial
from sparsetune.data.cifar10 import Cifar10
from sparsetune.data.mnist import Mnist
from sparsetune.training.trainer import Trainer

__all__ = ["one_thread"]
STUDIES = Path(__file__).parents[1] / "studies"
BATCH = 10


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Of ten classes that are easily told apart."""
    folder = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        for data in (Mnist, Cifar10):
            patch.setattr(data, "sizes", {"train": 250, "test": 50})
        write_idx(Mnist, folder, clear=True)
        write_cifar(Cifar10, Cifar10.layouts[0], folder, clear=True)
        yield folder


NARROW = {"model.width_scale": 0.125}
SLOWLY = {"training.lr": 1e-4}  # in 40 steps 1e-3 leaves VGG-16 no better than a constant, and all of it is pruned


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("lenet300", {}),
        ("lenet5_caffe", {}),
        ("vgg_cifar", NARROW),
        pytest.param("vgg_cifar", SLOWLY, marks=[pytest.mark.slow, pytest.mark.timeout(1800)]),
    ],
)
def test_two_epochs_of_each_stage(name: str, more: dict[str, Any], root: Path) -> None:
    changes = {
        "training.epochs": 2,
        "training.batch_size": BATCH,
        "method.finetune_epochs": 2,
        "data.num_train": 200,
        "data.val_size": 50,
        "data.root": str(root),
        **more,
    }
    study = load_study(STUDIES / f"compression_{name}.yaml", registries, changes)
    places = inputs.locate(study.trial, study.project, registries(), study.source)
    inputs.prepare(study.trial, places, registries(), study.source, lambda done, total: None, study.space)
    trainer = Trainer(resolve_trial(assign(study.trial.plain(), places), registries()))
    list(trainer)
    numbers = trainer.finish()
    assert [row.phase for row in trainer.record] == ["train", "train", "finetune", "finetune"]
    assert numbers["compression_ratio"] > 1
    assert numbers["test_accuracy"] > 0.5

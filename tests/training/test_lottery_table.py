"""The models and data sets of Lottery-Ticket-Hypothesis-in-Pytorch: each pair trains two steps at two levels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.data_files import write_small_sets
from torch import nn

from sparsetune.config.trial import TrialConfig, resolve_trial
from sparsetune.data import DATA
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.trainer import Trainer

THEIR_VGG = {"name": "vgg16", "batch_norm": False}  # does not run on 28x28 there
DATA_SETS = ("mnist", "cifar10", "fashionmnist", "cifar100")
MODELS: dict[str, dict[str, Any]] = {
    "fc1": dict.fromkeys(DATA_SETS, "lenet_300_100"),
    "LeNet5": {"mnist": "conv2", "fashionmnist": "conv2", "cifar10": "lenet5", "cifar100": "lenet5"},
    "AlexNet": dict.fromkeys(DATA_SETS, "alexnet"),
    "VGG16": {"mnist": "vgg16", "fashionmnist": "vgg16", "cifar10": THEIR_VGG, "cifar100": THEIR_VGG},
    "ResNet18": dict.fromkeys(DATA_SETS, "resnet18"),
    "densenet121": {"cifar10": "densenet121"},
}
SMALL = ("fc1", "LeNet5")
CELLS = [
    pytest.param(model, data, id=f"{name} {data}", marks=() if name in SMALL else pytest.mark.slow)
    for name, of in MODELS.items()
    for data, model in of.items()
]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        yield write_small_sets(tmp_path_factory.mktemp("files"), patch)


def cell(model: Any, data: str, root: Path) -> TrialConfig:
    train = 100 if data == "cifar100" else 10  # each class has one
    raw = {
        "method": {"name": "lottery", "levels": 1, "prune_fraction": 0.2},
        "data": {"name": data, "root": str(root), "num_train": train, "val_size": train, "stratified": True},
        "model": model,
        "training": {"iterations": 2, "batch_size": 5, "optimizer": "adam", "lr": 1e-3, "device": "cpu"},
    }
    config = resolve_trial(raw, REGISTRIES)
    return config.model_copy(update={"data": DATA.get(data).locate(config.data, root)})


@pytest.mark.parametrize(("model", "data"), CELLS)
def test_two_steps_at_two_levels(model: Any, data: str, root: Path) -> None:
    trainer = Trainer(cell(model, data, root))
    modules = dict(trainer.network.named_modules())
    layers = {f"{name}.weight": each for name, each in modules.items() if isinstance(each, nn.Conv2d | nn.Linear)}
    norms = [each for each in modules.values() if isinstance(each, nn.BatchNorm2d)]
    sizes = {name: layer.weight.numel() for name, layer in layers.items()}
    last = list(sizes)[-1]
    while trainer.go_on():
        for name, mask in trainer.session.masks.items():
            assert not layers[name].weight[~mask].count_nonzero()
        for due in trainer.due:
            trainer.measure(due)
    assert trainer.cost.steps == 4
    left = {name: size - round(size / (10 if name == last else 5)) for name, size in sizes.items()}
    assert {name: int(mask.sum()) for name, mask in trainer.session.masks.items()} == left
    assert all(norm.weight.all() for norm in norms)
    densities = {each.stage: each.metrics["density"] for each in trainer.results.of_run("")}
    assert densities == {"level 0": 1.0, "level 0/level 1": sum(left.values()) / sum(sizes.values())}

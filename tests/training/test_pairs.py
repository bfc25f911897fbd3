"""Every model on every data set that the originals tested: two batches and an evaluation, on made files."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.data_files import SMALL, write_small_sets

from sparsetune.config.trial import resolve_trial
from sparsetune.data import DATA
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.trainer import Trainer

GREY, COLOUR = ("mnist", "fashionmnist"), ("cifar10", "cifar100")
TRAIN = {"mnist": 10, "fashionmnist": 10, "cifar10": 10, "cifar100": 100, "teacher_student": 20}  # each class has one

LTH = ("lenet_300_100", "conv2", "alexnet", "vgg16", "resnet18")  # seed of the lottery-ticket code base
DEEP = ("alexnet", "resnet18", "densenet121")  # a second a case and more
LARGE = [(model, "cifar100") for model in ("alexnet", "vgg16", "resnet18")]
PAIRS: list[tuple[Any, str]] = [
    *((model, data) for model in LTH for data in (*GREY, *COLOUR) if (model, data) not in LARGE),
    ("lenet5", "cifar10"),
    ("lenet5", "cifar100"),
    ("densenet121", "cifar10"),
    ("lenet5", "mnist"),  # strong lottery tickets
    ("lenet_sbcube", "mnist"),
    *(({"name": "fc", "n_layers": n, "n_neurons": 10}, data) for n in (1, 2) for data in GREY),  # generalisation
    *(("lenet5_tanh", data) for data in GREY),
    ("lenet5_caffe", "mnist"),  # compression
    ({"name": "vgg16", "batch_norm": True}, "cifar10"),
    ({"name": "mlp", "hidden": [25, 25], "activation": "tanh"}, "teacher_student"),
    *((f"conv{n}", "cifar10") for n in (4, 6, 8)),  # the papers' own
    ("resnet20", "cifar10"),
]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        yield write_small_sets(tmp_path_factory.mktemp("files"), patch)


@pytest.mark.parametrize(
    ("model", "data"),
    [
        pytest.param(*pair, marks=() if position % 2 == 0 and pair[0] not in DEEP else pytest.mark.slow)
        for position, pair in enumerate([*PAIRS, *LARGE])
    ],
    ids=lambda part: part if isinstance(part, str) else part["name"],
)
def test_two_batches_and_an_evaluation(model: Any, data: str, root: Path) -> None:
    train = TRAIN[data]
    given: dict[str, Any] = {"name": data, "num_train": train}
    if data in SMALL:
        given |= {"root": str(root), "val_size": train, "stratified": True}
    raw = {"method": "dense", "data": given, "model": model, "seed": 0}
    raw["training"] = {"epochs": 1, "batch_size": train // 2, "lr": 1e-3, "device": "cpu"}
    config = resolve_trial(raw, REGISTRIES)
    config = config.model_copy(update={"data": DATA.get(data).locate(config.data, root)})
    trainer = Trainer(config)
    list(trainer)
    metrics = trainer.finish()
    assert trainer.cost.steps == 2
    assert 0.999 * metrics["dense_macs"] < metrics["macs"] <= metrics["dense_macs"]  # few weights are drawn as zero

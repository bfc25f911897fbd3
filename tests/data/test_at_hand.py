"""What a division depends on, where it is known before anything is decoded."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from helpers.data_files import write_idx
from helpers.pictures import write_pictures

from sparsetune.base.errors import BadInput
from sparsetune.base.paths import CACHE
from sparsetune.config.base import param
from sparsetune.data.contract import DataConfig, DataSet, OnePoolConfig, Progress
from sparsetune.data.folder import Folder, FolderConfig
from sparsetune.data.mnist import Mnist, MnistConfig
from sparsetune.data.pools import Pools, Samples


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def quiet(done: int, of: int) -> None:
    """Progress that nobody sees."""


@pytest.mark.parametrize("tested", [False, True])
def test_images_are_divided_alike_before_and_after_they_are_decoded(tested: bool, tmp_path: Path, cache: Path) -> None:
    folders = {"train_dir": str(write_pictures(tmp_path / "train", {"cat": 12, "dog": 9}))}
    if tested:
        folders["test_dir"] = str(write_pictures(tmp_path / "test", {"dog": 4, "cat": 3}))
    config = FolderConfig(**folders)
    before = Folder.at_hand(config)
    assert not cache.exists()
    Folder.prepare(config, quiet)
    after = Folder.at_hand(config)
    assert before.train.targets.tolist() == after.train.targets.tolist()
    assert (before.outputs, before.classes, before.test is None) == (after.outputs, after.classes, after.test is None)
    first, second = (Folder.divided(each, config) for each in (before, after))
    assert first.train.tolist() == second.train.tolist()


class Small(Mnist):
    sizes = {"train": 60, "test": 20}


def test_labels_of_a_set_that_is_decoded_at_another_size(tmp_path: Path) -> None:
    config = MnistConfig(root=str(write_idx(Small, tmp_path / "files")), val_size=20)
    larger = config.model_copy(update={"resize": 32})
    assert Small.at_hand(config) is None
    Small.prepare(config, quiet)
    known = Small.at_hand(larger)
    assert known is not None
    assert known.train.targets.tolist() == Small.read(config).train.targets.tolist()
    assert len(list((tmp_path / "cache" / "data").glob("*/meta.json"))) == 1


class Config(OnePoolConfig):
    name: Literal["own"] = "own"
    labels: Any = param((0, 1) * 20, "of the samples")


class Own(DataSet):
    """A set of a user's own."""

    Config = Config

    @classmethod
    def read(cls, config: Config) -> Pools:
        labels = np.array(config.labels)
        return Pools(Samples(np.zeros((len(labels), 1), np.float32), labels), outputs=2)


class Decoding(Own):
    @classmethod
    def prepare(cls, config: DataConfig, progress: Progress) -> None:
        """Takes its time."""


def test_a_set_that_decodes_nothing_is_at_hand() -> None:
    assert Own.at_hand(Config()) is not None
    assert Decoding.at_hand(Config()) is None


@pytest.mark.parametrize(
    ("labels", "problem"),
    [
        ([0.0, 1.0] * 20, r"data: found labels of float64 and shape \(40,\), allowed: a whole number"),
        ([[0], [1]] * 20, r"data: found labels of int64 and shape \(40, 1\), allowed: a whole number"),
        ([0, 1] * 20 + [2], "data: found the label 2, allowed: 0 to 1"),
        ([0, 1] * 20 + [-1], "data: found the label -1, allowed: 0 to 1"),
    ],
)
def test_labels_that_are_none(labels: Any, problem: str) -> None:
    config = Config(labels=labels)
    with pytest.raises(BadInput, match=f"^{problem}"):
        Own.divided(Own.read(config), config)


def test_there_is_no_other_class_for_noise() -> None:
    config = Config(labels=[0] * 40, label_noise=0.1)
    with pytest.raises(BadInput) as error:
        Own.divided(Pools(Own.read(config).train, outputs=1), config)
    assert (error.value.key, error.value.found, error.value.allowed) == ("data.label_noise", "0.1", "0 with one class")

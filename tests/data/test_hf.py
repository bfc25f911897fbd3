"""Hugging Face sets: files on this machine in each form that `datasets` reads; the hub is out of reach here."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

os.environ["HF_HUB_OFFLINE"] = "1"  # before it is imported: no test waits for a network

import datasets
from datasets import ClassLabel, Dataset, DatasetDict, Features, Image
from helpers.pictures import encoded, picture, write_pictures

from sparsetune.base.errors import BadInput
from sparsetune.base.paths import CACHE
from sparsetune.config.base import check_model
from sparsetune.data import store
from sparsetune.data.hf import Hf, HfConfig
from sparsetune.data.pools import Pools
from sparsetune.data.roots import VARIABLE

NAMES = ["cat", "dog", "owl"]
IMAGES = [picture(number) for number in range(12)]
LABELS = [number % 3 for number in range(12)]
PIXELS = np.stack([np.asarray(image).transpose(2, 0, 1) for image in IMAGES])


@pytest.fixture(autouse=True)
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "hf")
    datasets.disable_progress_bars()


def small(rows: int = 12) -> Dataset:
    features = Features({"image": Image(), "label": ClassLabel(names=NAMES)})
    return Dataset.from_dict({"image": IMAGES[:rows], "label": LABELS[:rows]}, features=features)


def on_disk(folder: Path) -> None:
    DatasetDict(train=small(), test=small(6)).save_to_disk(str(folder))


def parquet(folder: Path) -> None:
    (folder / "data").mkdir(parents=True)
    small().to_parquet(folder / "data" / "train-00000-of-00001.parquet")
    small(6).to_parquet(folder / "data" / "test-00000-of-00001.parquet")


def image_folder(folder: Path) -> None:
    for split, rows in (("train", 12), ("test", 6)):
        for number in range(rows):
            place = folder / split / NAMES[LABELS[number]]
            place.mkdir(parents=True, exist_ok=True)
            IMAGES[number].save(place / f"{number:02d}.png")


def read(path: Path, **settings: Any) -> Pools:
    return Hf.read(Hf.locate(HfConfig(path=str(path), **settings), path.parent))


def refused(path: Path, **settings: Any) -> str:
    with pytest.raises(BadInput) as caught:
        read(path, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("write", [on_disk, parquet, image_folder], ids=lambda each: each.__name__)
def test_images_and_labels_of_each_form(write: Callable[[Path], None], tmp_path: Path) -> None:
    write(tmp_path / "set")
    pools = read(tmp_path / "set", test_split="test")
    assert pools.classes == ("cat", "dog", "owl")
    assert (pools.val, pools.test is None) == (None, False)
    for samples, rows in ((pools.train, 12), (pools.test, 6)):
        assert samples is not None
        order = range(rows) if write is not image_folder else sorted(range(rows), key=lambda number: LABELS[number])
        np.testing.assert_array_equal(samples.inputs, PIXELS[list(order)])
        assert samples.targets.tolist() == [LABELS[number] for number in order]


def test_it_is_decoded_once_and_then_needs_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parquet(tmp_path / "set")
    config = Hf.locate(HfConfig(path="set", val_size=3, test_size=3), tmp_path)
    assert config.path == str(tmp_path / "set")
    assert Hf.outline(config) is None
    told: list[tuple[int, int]] = []
    Hf.prepare(config, lambda done, of: told.append((done, of)))
    assert told[-1] == (12, 12)
    monkeypatch.setattr(datasets, "load_dataset", None)
    facts = Hf.facts(config)
    assert facts is not None
    assert (facts.input_shape, facts.outputs, facts.train_samples) == ((3, 8, 8), 3, 6)
    assert [len(split) for split in Hf.load(config).splits] == [6, 3, 3]
    small(6).to_parquet(tmp_path / "set" / "data" / "train-00000-of-00001.parquet")
    assert Hf.outline(config) is None  # other files, another entry


@pytest.mark.parametrize(
    ("values", "classes", "labels"),
    [(["b", "a", "b"], ("a", "b"), [1, 0, 1]), ([7, 7, -2], ("-2", "7"), [1, 1, 0])],
)
def test_classes_without_names(values: list[Any], classes: tuple[str, ...], labels: list[int], tmp_path: Path) -> None:
    """Bytes in a column of their own, and whatever the classes are called."""
    raw(tmp_path / "set", values)
    pools = read(tmp_path / "set", image="img", label="y")
    assert pools.classes == classes
    assert pools.train.targets.tolist() == labels
    np.testing.assert_array_equal(pools.train.inputs, PIXELS[:3])


def raw(folder: Path, values: list[Any], spoilt: int | None = None, name: str = "train") -> None:
    folder.mkdir(exist_ok=True)
    content = []
    for number in range(len(values)):
        content.append(b"no" if number == spoilt else encoded(IMAGES[number]))
    pd.DataFrame({"img": content, "y": values}).to_parquet(folder / f"{name}.parquet")


def test_settings_of_images_hold_here_too(tmp_path: Path) -> None:
    raw(tmp_path / "set", ["a", "b", "a", "b"], spoilt=1)
    columns = {"image": "img", "label": "y"}
    assert refused(tmp_path / "set", **columns) == (
        f"{tmp_path}/set: data.skip_bad: 1 of 4 images cannot be decoded, the first: train[1] (not an image); "
        "mend or remove it, or set data.skip_bad to true"
    )
    pools = read(tmp_path / "set", skip_bad=True, mode="grey", resize=4, **columns)
    assert pools.train.inputs.shape == (3, 1, 4, 4)


def test_what_cannot_be(tmp_path: Path) -> None:
    place = tmp_path / "set"
    raw(place, ["a", "b", None])
    columns = {"image": "img", "label": "y"}
    assert refused(place).startswith(f"{place}: data.image: unknown column 'image'; did you mean 'img'? (allowed:")
    assert refused(place, image="img").startswith(f"{place}: data.label: unknown column 'label'")
    assert refused(place, **columns) == (
        f"{place}: data.label: found None in row 2 of train, allowed: a class by its name or a whole number"
    )
    assert "found 0.5 in row 0 of train" in (raw(place, [0.5, 1.5]) or refused(place, **columns))
    assert refused(place, train_split="tarin").startswith(f"{place}: data.train_split: cannot be loaded: Unknown split")
    raw(place, ["a", "b"])
    raw(place, ["a", "c"], name="test")
    assert refused(place, test_split="test", **columns) == (
        f"{place}: data.test_split: class 'c' is not in data.train_split, {place}"
    )
    (place / "test.parquet").unlink()
    raw(place, [1, 2])
    assert "data.image: found column 'y' of" in refused(place, image="y", label="y")
    assert "there is no folder" in refused(tmp_path / "none")


def test_a_folder_that_is_not_there_or_vanishes_is_one_line(tmp_path: Path) -> None:
    """Nothing is known of it, as of one that was not decoded yet; whoever wants its images is told."""
    parquet(tmp_path / "set")
    located = Hf.locate(HfConfig(path="set"), tmp_path)
    shutil.rmtree(tmp_path / "set")
    for config in (located, HfConfig(path=str(tmp_path / "never"))):
        assert Hf.outline(config) is None
        assert Hf.remarks(config) == []
        with pytest.raises(BadInput) as caught:
            Hf.prepare(config, lambda done, of: None)
        assert str(caught.value) == f"{config.path}: data.path: cannot be read: No such file or directory"


def test_images_of_one_class_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    """Also where the set names more classes, and where they were decoded for another use."""
    on_disk(tmp_path / "set")
    line = f"{tmp_path}/set: data.train_split: found images of one class only, 'cat', wanted two or more"
    assert refused(tmp_path / "set", train_split="train[:1]") == line
    assert store.everything() == []
    read(tmp_path / "set", test_split="train[:1]", train_split="train[1:]")
    assert refused(tmp_path / "set", train_split="train[:1]") == line


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({}, "allowed: repo (a set of the hub) or path (a folder), one of them"),
        ({"repo": "a/b", "path": "c"}, "allowed: repo (a set of the hub) or path (a folder), one of them"),
        ({"path": "c", "revision": "main"}, "revision goes with repo"),
        ({"path": "c", "val_split": "train"}, "val_split 'train' shares images with train_split 'train'"),
        ({"path": "c", "test_split": "test", "val_split": "test"}, "test_split 'test' shares images with val_split"),
        ({"path": "c", "test_split": "a+train[90%:]"}, "shares images with train_split 'train'"),
    ],
)
def test_settings_that_contradict_each_other(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(BadInput) as caught:
        check_model(HfConfig, {"name": "hf", **settings}, source="x.yaml", key="data")
    assert problem in str(caught.value)


def test_parts_of_one_split_may_serve_as_several() -> None:
    settings = {"train_split": "train[:80%]", "val_split": "train[80%:90%]", "test_split": "train[90%:]+test"}
    assert HfConfig(path="c", **settings).test_split == "train[90%:]+test"


def test_the_hub_out_of_reach_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    config = Hf.locate(HfConfig(repo="nobody/nothing"), tmp_path)
    with pytest.raises(BadInput, match=r"^nobody/nothing: data\.train_split: cannot be loaded: ") as caught:
        Hf.prepare(config, lambda done, of: None)
    assert "\n" not in str(caught.value)
    assert "hf_secret" not in str(caught.value)
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(BadInput, match=r"a set that is not public wants HF_TOKEN$"):
        Hf.prepare(config, lambda done, of: None)


def test_without_the_package_it_says_what_to_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As find_spec answers where it is not installed."""
    real = importlib.util.find_spec
    monkeypatch.setattr("sparsetune.data.hf.find_spec", lambda name: None if name == "datasets" else real(name))
    assert refused(write_pictures(tmp_path / "set", {"a": 1})) == (
        "data.name: hf wants the package datasets: pip install 'sparsetune[hf]'"
    )


def test_no_telemetry_and_no_early_import(tmp_path: Path) -> None:
    raw(tmp_path / "set", ["a", "b"])
    code = f"""
import sys
from sparsetune.data.hf import Hf
from sparsetune.data.hf import HfConfig
config = HfConfig(path={str(tmp_path / "set")!r}, image="img", label="y")
assert Hf.outline(config) is None and "datasets" not in sys.modules
Hf.prepare(config, lambda done, of: None)
import huggingface_hub.constants, datasets
assert huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY and not datasets.config.HF_UPDATE_DOWNLOAD_COUNTS
"""
    said = ("HF_HUB_DISABLE_TELEMETRY", "HF_UPDATE_DOWNLOAD_COUNTS")  # by other tests of this process
    environment = {
        **{name: value for name, value in os.environ.items() if name not in said},
        "HF_HOME": str(tmp_path / "hf"),
    }
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, stderr=subprocess.DEVNULL)

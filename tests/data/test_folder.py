"""Folders of images: what is read, how it is divided, and everything that can be wrong with them."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.pictures import encoded, picture, write_pictures
from PIL import Image
from torchvision.datasets import ImageFolder

from sparsetune.base.errors import BadInput
from sparsetune.base.paths import CACHE
from sparsetune.data import store
from sparsetune.data.folder import Folder, FolderConfig
from sparsetune.data.images.listing import list_images
from sparsetune.data.pools import Pools
from sparsetune.data.roots import VARIABLE


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    monkeypatch.delenv(VARIABLE, raising=False)
    return tmp_path / "cache" / "data"


@pytest.fixture
def train(tmp_path: Path) -> Path:
    return write_pictures(tmp_path / "train", {"cat": 10, "dog": 12, "owl": 8})


def read(train: Path, **settings: Any) -> Pools:
    config = Folder.locate(FolderConfig(train_dir=str(train), **settings), train.parent)
    return Folder.read(config)


def refused(train: Path, **settings: Any) -> BadInput:
    with pytest.raises(BadInput) as caught:
        read(train, **settings)
    assert "\n" not in str(caught.value)
    return caught.value


def test_the_same_images_and_labels_as_torchvision_reads(train: Path) -> None:
    (train / "cat" / "a" / "b").mkdir(parents=True)
    (train / "cat" / "a-b").mkdir()
    for number, name in enumerate(("a/2.JPG", "a/b/1.webp", "a-b/1.bmp", "z.jpeg", "0.tiff", "notes.txt")):
        file = train / "cat" / name
        picture(number).save(file, "PNG") if name == "notes.txt" else picture(number).save(file)
    (train / "owl" / "link.png").symlink_to(train / "dog" / "0000.png")
    theirs = ImageFolder(str(train)).samples
    (train / ".hidden").mkdir()  # torchvision would call it a class
    listing = list_images(train, key="data.train_dir")
    ours = [(str(train / name), label) for name, label in zip(listing.names, listing.labels, strict=True)]
    assert ours == theirs
    pools = read(train)
    assert pools.classes == ("cat", "dog", "owl")
    assert pools.train.targets.tolist() == list(listing.labels)
    for row, (path, _) in zip(pools.train.inputs, ours, strict=True):
        np.testing.assert_array_equal(row, np.asarray(Image.open(path).convert("RGB")).transpose(2, 0, 1))


def test_one_folder_is_divided(train: Path) -> None:
    config = FolderConfig(train_dir=str(train), val_size=6, test_size=3)
    assert Folder.outline(config) is None
    assert Folder.facts(config) is None
    told: list[tuple[int, int]] = []
    Folder.prepare(config, lambda done, of: told.append((done, of)))
    assert told[-1] == (30, 30)
    facts = Folder.facts(config)
    assert facts is not None
    assert (facts.input_shape, facts.outputs, facts.train_samples) == ((3, 8, 8), 3, 21)
    dataset = Folder.load(config)
    assert [len(split) for split in dataset.splits] == [21, 6, 3]
    told.clear()
    Folder.prepare(config, lambda done, of: told.append((done, of)))
    assert not told  # nothing is decoded twice


def test_folders_of_their_own(train: Path, tmp_path: Path) -> None:
    """The test is drawn from the training folder where it has none; labels are those of the training's classes."""
    val = write_pictures(tmp_path / "val", {"owl": 2, "dog": 3})
    pools = read(train, val_dir=str(val))
    assert pools.test is None
    assert pools.val is not None
    assert pools.val.targets.tolist() == [1, 1, 1, 2, 2]
    config = FolderConfig(train_dir=str(train), val_dir=str(val), test_size=5)
    assert [len(split) for split in Folder.load(config).splits] == [25, 5, 5]
    with_test = config.model_copy(
        update={"test_dir": str(write_pictures(tmp_path / "test", {"cat": 1, "dog": 2, "owl": 3}))}
    )
    Folder.prepare(with_test, lambda done, of: None)
    outline = Folder.outline(with_test)
    assert outline is not None
    assert (outline.samples, outline.has_val, outline.has_test) == (30, True, True)
    assert [len(split) for split in Folder.load(with_test).splits] == [30, 5, 6]


def test_the_digest_tells_contents_apart(train: Path, tmp_path: Path) -> None:
    val, other = (write_pictures(tmp_path / name, counts) for name, counts in (("v", {"cat": 2}), ("w", {"dog": 2})))
    digests = [read(train, **settings).digest for settings in ({}, {"val_dir": str(val)}, {"val_dir": str(other)})]
    assert len(set(digests)) == 3  # the two validation folders have the same pixels, of different classes
    copy = shutil.copytree(train, tmp_path / "copy")
    assert read(copy).digest == digests[0]


def test_a_change_is_seen(train: Path) -> None:
    before = read(train)
    (train / "cat" / "0000.png").unlink()
    assert len(read(train).train) == len(before.train) - 1
    picture(99).save(train / "cat" / "new.png")
    assert len(read(train).train) == len(before.train)
    assert read(train).digest != before.digest
    picture(98).save(train / "cat" / "new.png")  # the same name, in its place
    assert read(train).train.inputs[9].sum() == np.asarray(picture(98)).astype(int).sum()
    listings = [list_images(train, "").digest]
    os.utime(train / "cat" / "new.png", (1, 1))
    shutil.copytree(train, train.parent / "copy")  # keeps times
    listings += [list_images(train.parent / "copy", "").digest]
    assert listings[0] != listings[1]


def test_sizes_may_differ_where_they_are_resized(train: Path) -> None:
    picture(1, 30, 20).save(train / "cat" / "wide.png")
    assert read(train, resize=16).train.inputs.shape == (31, 3, 16, 16)
    assert str(refused(train)) == (
        f"{train}: data.resize: mixed sizes: cat/0000.png has 8 x 8 pixels, cat/wide.png has 30 x 20; "
        "set data.resize to a side for all"
    )


def test_modes_may_differ_where_they_are_converted(train: Path) -> None:
    for mode in ("L", "RGBA", "P", "LA", "1"):
        picture(1, mode=mode).save(train / "dog" / f"{mode}.png")
    assert read(train, mode="rgb").train.inputs.shape == (35, 3, 8, 8)
    assert read(train, mode="grey").train.inputs.shape == (35, 1, 8, 8)
    for mode in ("LA", "RGBA"):
        problem = f"{train}: data.mode: dog/{mode}.png has transparency, neither plain grey nor plain RGB; set"
        assert str(refused(train)).startswith(problem)
        (train / "dog" / f"{mode}.png").unlink()
    (train / "dog" / "1.png").unlink()
    assert str(refused(train)) == (
        f"{train}: data.mode: mixed modes: cat/0000.png is rgb, dog/L.png is grey; "
        "set data.mode to rgb or grey to convert all"
    )


def test_grey_images_stay_grey(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "grey" / name).mkdir(parents=True)
        picture(1, mode="L").save(tmp_path / "grey" / name / "1.jpg")
    assert read(tmp_path / "grey").train.inputs.shape == (2, 1, 8, 8)


def spoil(train: Path) -> None:
    (train / "dog" / "0003.png").write_bytes(b"hello")
    (train / "owl" / "0001.png").write_bytes(b"")
    (train / "owl" / "0002.png").write_bytes(encoded(picture(1))[:100])


def test_a_bad_image_is_named_and_counted_or_left_out(train: Path, cache: Path) -> None:
    spoil(train)
    problem = (
        f"{train}: data.skip_bad: 3 of 30 images cannot be decoded, the first: dog/0003.png (not an image); "
        "mend or remove them, or set data.skip_bad to true"
    )
    assert str(refused(train)) == problem
    assert list(cache.iterdir()) == []
    pools = read(train, skip_bad=True)
    assert np.bincount(pools.train.targets).tolist() == [10, 11, 6]
    (entry,) = store.everything()
    assert [name for name, _ in entry.meta["skipped"]] == ["dog/0003.png", "owl/0001.png", "owl/0002.png"]
    assert (entry.meta["samples"], entry.meta["of"]) == (27, 30)
    config = FolderConfig(train_dir=str(train), skip_bad=True, val_size=3, test_size=3)
    facts = Folder.facts(config)
    assert facts is not None
    assert facts.train_samples == 21
    (remark,) = Folder.remarks(config)
    listed = entry.folder / "left_out.txt"
    told = f"{train}: 3 of 30 images cannot be decoded and are left out, the first: dog/0003.png; all: {listed}"
    assert remark == told
    names = [line.partition(": ")[0] for line in listed.read_text().splitlines()]
    assert names == ["dog/0003.png", "owl/0001.png", "owl/0002.png"]
    assert str(refused(train)) == problem  # also where the rest has been decoded
    assert Folder.remarks(FolderConfig(train_dir=str(train.parent))) == []


def test_nothing_but_bad_images(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "bad", {"a": 1, "b": 1})
    for file in folder.glob("*/*"):
        file.write_bytes(b"x")
    for skip_bad in (False, True):
        assert str(refused(folder, skip_bad=skip_bad)).endswith(
            "2 of 2 images cannot be decoded, the first: a/0000.png (not an image)"
        )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(train: Path) -> None:
    (train / "dog" / "0003.png").chmod(0)
    assert "dog/0003.png (Permission denied)" in str(refused(train))


def absent(train: Path) -> None:
    shutil.rmtree(train)


def no_class(train: Path) -> None:
    absent(train)
    train.mkdir()
    picture(1).save(train / "1.png")


def empty_class(train: Path) -> None:
    (train / "ant" / "deep").mkdir(parents=True)
    (train / "ant" / "note.txt").touch()
    for name in ("bee", "fly", "gnu"):
        (train / name).mkdir()


def splits_inside(train: Path) -> None:
    absent(train)
    write_pictures(train / "train", {"a": 1})
    write_pictures(train / "Val", {"a": 1})


def one_class(train: Path) -> None:
    for name in ("dog", "owl"):
        shutil.rmtree(train / name)


def a_file(train: Path) -> None:
    absent(train)
    train.touch()


WRONG: dict[Callable[[Path], None], str] = {
    absent: "data.train_dir: found '{0}', but there is no folder {0}",
    a_file: "data.train_dir: found '{0}', but there is no folder {0}",
    no_class: "{0}: data.train_dir: found no folder in it, wanted one for each class",
    empty_class: "{0}: data.train_dir: 4 of 7 class folders are without an image: 'ant', 'bee', 'fly' and 1 more",
    one_class: "{0}: data.train_dir: found images of one class only, 'cat', wanted two or more",
    splits_inside: "{0}: data.train_dir: found Val, train in it, wanted one folder for each class; "
    "name each split by itself",
}


@pytest.mark.parametrize("spoilt", WRONG, ids=lambda each: each.__name__)
def test_a_wrong_folder(spoilt: Callable[[Path], None], train: Path, cache: Path) -> None:
    spoilt(train)
    with pytest.raises(BadInput) as caught:
        Folder.locate(FolderConfig(train_dir=str(train)), train.parent)
    assert str(caught.value) == WRONG[spoilt].format(train)
    assert not cache.exists()


def test_folders_that_do_not_go_together(train: Path, tmp_path: Path) -> None:
    val = write_pictures(tmp_path / "val", {"cat": 1, "yak": 1})
    assert str(refused(train, val_dir=str(val))) == (
        f"{val}: data.val_dir: class 'yak' is not in data.train_dir, {train}"
    )
    shutil.rmtree(val / "yak")
    (val / "cat" / "0000.png").unlink()
    assert str(refused(train, val_dir=str(val))) == (
        f"{val}: data.val_dir: 1 of 1 class folder is without an image: 'cat'"
    )
    picture(1, 9, 8).save(val / "cat" / "0000.png")
    assert str(refused(train, val_dir=str(val))) == (
        "data.resize: mixed sizes: data.train_dir has 8 x 8 pixels, data.val_dir has 9 x 8; "
        "set data.resize to a side for all"
    )
    link = tmp_path / "link"
    link.symlink_to(train)
    for same in (train, link, train / "cat"):
        assert str(refused(train, test_dir=str(same))) == (
            f"{same}: data.test_dir: shares images with data.train_dir, {train}"
        )


def test_one_class_is_left_of_several_or_enough_to_measure_on(train: Path, tmp_path: Path) -> None:
    val = write_pictures(tmp_path / "val", {"dog": 2})
    assert read(train, val_dir=str(val)).val is not None
    for name in ("cat", "owl"):
        for file in (train / name).iterdir():
            file.write_bytes(b"x")
    assert str(refused(train, skip_bad=True)) == (
        f"{train}: data.train_dir: found images of one class only, 'dog', wanted two or more"
    )


@pytest.mark.parametrize("gone", ["train", "val"])
def test_a_folder_that_vanishes_is_one_line(gone: str, train: Path, tmp_path: Path) -> None:
    """After it was found, and after its images were decoded."""
    val = write_pictures(tmp_path / "val", {"dog": 2})
    config = Folder.locate(FolderConfig(train_dir=str(train), val_dir=str(val)), tmp_path)
    Folder.prepare(config, lambda done, of: None)
    shutil.rmtree(tmp_path / gone)
    assert Folder.outline(config) is None
    assert Folder.remarks(config) == []
    for use in (lambda: Folder.prepare(config, lambda done, of: None), lambda: Folder.read(config)):
        with pytest.raises(BadInput) as caught:
            use()
        assert str(caught.value) == f"{tmp_path / gone}: data.{gone}_dir: cannot be read: No such file or directory"


def test_relative_paths(train: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the project, else from the folder of data files."""
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    project.mkdir()
    shutil.copytree(train, elsewhere / "pets" / "train")
    monkeypatch.setenv(VARIABLE, str(elsewhere))
    for named in ("pets/train", "data/pets/train"):
        located = Folder.locate(FolderConfig(train_dir=named), project)
        assert located.train_dir == str(elsewhere / "pets" / "train")
    shutil.copytree(train, project / "data" / "pets" / "train")
    assert Folder.locate(FolderConfig(train_dir="data/pets/train"), project).train_dir == str(
        project / "data" / "pets" / "train"
    )
    with pytest.raises(BadInput, match=f"there is no folder {project}/none or {elsewhere}/none$"):
        Folder.locate(FolderConfig(train_dir="none"), project)


def test_pillow_reads_all_where_torchvision_does_not(train: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sparsetune.data.images import decode as module

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        by_torchvision = read(train).digest
    store.remove(store.everything()[0])
    monkeypatch.setattr(module, "_operator", lambda: None)
    assert read(train).digest == by_torchvision

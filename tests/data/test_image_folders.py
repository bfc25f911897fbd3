"""What lies in a folder of images beside the samples, and what is said of those that are."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers.pictures import encoded, picture, write_pictures

from sparsetune.base.errors import BadInput
from sparsetune.base.paths import CACHE
from sparsetune.data import store
from sparsetune.data.folder import Folder, FolderConfig
from sparsetune.data.images.errors import in_two_splits
from sparsetune.data.images.listing import list_images


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))


@pytest.fixture
def train(tmp_path: Path) -> Path:
    return write_pictures(tmp_path / "pets", {"cat": 10, "dog": 10})


def remarks(train: Path, **settings: object) -> list[str]:
    config = Folder.locate(FolderConfig.model_validate({"train_dir": str(train), **settings}), train.parent)
    Folder.prepare(config, lambda done, of: None)
    return Folder.remarks(config)


NO_SAMPLES = [
    "cat/.ipynb_checkpoints/0000-checkpoint.png",
    "cat/.thumbnails/0000.png",
    "cat/@eaDir/0000.png/SYNOPHOTO_THUMB_M.jpg",
    "dog/@eaDir/x.png",
    "@eaDir/dog/0000.png",
    "__MACOSX/cat/0000.png",
    "__MACOSX/cat/._0000.png",
    "cat/__MACOSX/0000.png",
    "cat/._0000.png",
    "dog/.0003.png",
    ".git/x.png",
    ".Trash-1000/files/dog.jpg",
    "cat/deep/.cache/deeper/1.jpeg",
    "#recycle/cat/0001.png",
    "$RECYCLE.BIN/S-1/0.bmp",
    "lost+found/1.tiff",
    "dog/Thumbs.db",
]
SAMPLES = [
    "cat/0000-checkpoint.png",
    "cat/deep/er/x.png",
    "cat/_private/x.png",
    "dog/thumbnails/x.png",
    "@home/x.png",
    "__init__/x.png",
    "macosx/x.png",
    "dog/a.jfif",
    "dog/a.JFIF",
    "dog/a.jpe",
    "dog/a.b.c.Png",
    "cat/#1.png",
]


@pytest.mark.parametrize("name", NO_SAMPLES)
def test_what_is_no_sample(name: str, train: Path) -> None:
    before = list_images(train, "")
    (train / name).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(train / "cat" / "0000.png", train / name)
    after = list_images(train, "", anew=True)
    assert (after.classes, after.names, after.digest) == (before.classes, before.names, before.digest)
    assert remarks(train) == []


@pytest.mark.parametrize("name", SAMPLES)
def test_what_is_a_sample(name: str, train: Path) -> None:
    (train / name).parent.mkdir(parents=True, exist_ok=True)
    picture(99).save(train / name, "PNG" if name.lower().endswith("png") else "JPEG")
    assert name in list_images(train, "").names
    assert len(list_images(train, "").classes) == (2 if name.startswith(("cat", "dog")) else 3)


def test_a_hidden_folder_may_be_the_root(tmp_path: Path) -> None:
    root = write_pictures(tmp_path / ".data" / "@eaDir", {"cat": 2, "dog": 2})
    assert len(list_images(root, "")) == 4


def test_types_that_are_not_read_are_counted(train: Path) -> None:
    for name in ("cat/a.gif", "cat/b.GIF", "cat/deep/c.heic", "dog/d.gif", "dog/.e.gif", "dog/notes.txt", "dog/f.json"):
        (train / name).parent.mkdir(exist_ok=True)
        (train / name).touch()
    (remark,) = remarks(train)
    assert remark == f"{train}: 4 files of other image types are passed over: 3 .gif, 1 .heic"
    (train / "ant").mkdir()
    (train / "ant" / "a.avif").touch()
    with pytest.raises(
        BadInput, match=r"without an image: 'ant'; types that are not read: 3 \.gif, 1 \.avif, 1 \.heic$"
    ):
        remarks(train)


def test_images_in_two_splits_are_counted(train: Path, tmp_path: Path) -> None:
    assert remarks(train) == []
    test = write_pictures(tmp_path / "test", {"cat": 2, "dog": 2}, width=8)
    for number in range(4):  # others than those of the training folder
        picture(100 + number).save(test / ("cat", "dog")[number % 2] / f"{number // 2:04d}.png")
    assert remarks(train, test_dir=str(test)) == []
    shutil.copy(train / "cat" / "0001.png", test / "cat" / "again.png")
    shutil.copy(train / "cat" / "0001.png", test / "dog" / "again.png")
    picture(11).save(test / "dog" / "again.bmp")  # another file of the same pixels
    (remark,) = remarks(train, test_dir=str(test), val_size=1, stratified=False)
    told = (
        f"{train}: 2 images are in two splits, pixel for pixel (2 in training and test): what is measured on them is "
    )
    assert remark == told + "too good"
    for file in sorted((train / "dog").iterdir()):
        shutil.copy(train / "dog" / "0000.png", file) if file.name != "0000.png" else None
    (remark,) = remarks(train, val_size=4, test_size=4)
    pairs = "1 in training and validation, 1 in training and test, 1 in validation and test"
    assert f"1 image is in two splits, pixel for pixel ({pairs})" in remark
    assert [len(split) for split in Folder.load(FolderConfig(train_dir=str(train), val_size=4, test_size=4)).splits]


def test_shared_marks() -> None:
    marks = {"a": np.array([1, 1, 2, 3]), "b": np.array([3, 4, 4]), "c": np.array([3, 1, 5])}
    (line,) = in_two_splits(marks, "x")
    assert line.startswith("x: 2 images are in two splits, pixel for pixel (1 in a and b, 2 in a and c, 1 in b and c)")
    assert in_two_splits({"a": np.array([1, 1]), "b": np.array([2])}, "x") == []


def extraneous(content: bytes) -> bytes:
    return content[:-2] + 20 * b"abc" + content[-2:]


def cut_inside(content: bytes) -> bytes:
    start = content.index(b"\xff\xda")
    return content[: start + 200] + b"\xff\xd0" + content[start + 260 :]


@pytest.mark.parametrize("spoil", [extraneous, cut_inside])
def test_what_libjpeg_warns_of_names_its_file(
    spoil: Callable[[bytes], bytes], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    root = write_pictures(tmp_path / "pets", {"cat": 70, "dog": 70}, 64, 64, ending="jpg")
    for name in ("cat/0040.jpg", "dog/0003.jpg"):
        (root / name).write_bytes(spoil((root / name).read_bytes()))
    (remark,) = remarks(root)
    (entry,) = store.everything()
    said = f"{root}: 2 of 140 images were read with a warning, the first: cat/0040.jpg (Corrupt JPEG data: "
    assert remark.startswith(said)
    assert remark.endswith(f"; all: {entry.folder}/warnings.txt")
    lines = (entry.folder / "warnings.txt").read_text().splitlines()
    assert [line.partition(": Corrupt JPEG data: ")[0] for line in lines] == ["cat/0040.jpg", "dog/0003.jpg"]
    assert capfd.readouterr().err == ""
    assert entry.meta["samples"] == 140


def test_what_pillow_warns_of_names_its_file_too(train: Path) -> None:
    grey = picture(1).convert("P")
    (train / "cat" / "0003.png").write_bytes(encoded(grey, "PNG", transparency=bytes(range(200))))
    (remark,) = remarks(train, mode="rgb")
    assert "1 of 20 images was read with a warning, the first: cat/0003.png (Palette images with Transparency" in remark


def test_what_others_say_meanwhile_is_printed(tmp_path: Path) -> None:
    """In a process of its own: C's stderr before, within and after."""
    code = """
import ctypes, sys
from sparsetune.data.images.heard import listening
libc = ctypes.CDLL(None)
def say(text):
    libc.fputs(text, ctypes.c_void_p.in_dll(libc, "stderr"))
say(b"before\\n")
with listening() as heard:
    say(b"within\\n")
    print("python", file=sys.stderr)
    print(heard.since(0))
say(b"after\\n")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("['within']\n", "before\npython\nafter\n")

"""MNIST and its kin: the conformance suite on made-up files, and every way in which a file can be wrong."""

import gzip
import os
import shutil
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.data_files import write_idx
from torchvision.datasets import MNIST as TORCHVISION
from torchvision.transforms.v2.functional import resize

from sparsetune.base.errors import BadInput
from sparsetune.base.paths import cache_root
from sparsetune.data import DATA, load_dataset, store
from sparsetune.data.idx_images import FILES
from sparsetune.data.mnist import Mnist, MnistConfig
from sparsetune.data.roots import VARIABLE
from sparsetune.testing.data import CHECKS, Check, DataCase, forget

TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = FILES


class Small(Mnist):
    """The same with fewer images."""

    sizes = {"train": 600, "test": 200}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A root with files of the full size."""
    root = write_idx(Mnist, tmp_path_factory.mktemp("whole"))
    yield root
    shutil.rmtree(root)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield write_idx(Small, tmp_path_factory.mktemp("small"))
    forget()


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.mark.parametrize("stratified", [False, True], ids=["", "stratified"])
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_conformance(check: Check, stratified: bool, small: Path) -> None:
    check(DataCase(Small, MnistConfig(root=str(small), val_size=100, stratified=stratified)))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_conformance_resized(check: Check, small: Path) -> None:
    check(DataCase(Small, MnistConfig(root=str(small), val_size=100, resize=32)))


@pytest.mark.parametrize(
    ("name", "folder"), [("mnist", "MNIST"), ("fashionmnist", "FashionMNIST"), ("kmnist", "KMNIST")]
)
def test_the_family_is_read_from_torchvisions_folders(name: str, folder: str, whole: Path, tmp_path: Path) -> None:
    (tmp_path / folder).symlink_to(whole / "MNIST")
    entry = DATA.get(name)
    config = entry.locate(entry.Config(root=str(tmp_path)), Path("/project"))
    dataset = load_dataset(config)
    assert [len(split) for split in dataset.splits] == [55_000, 5_000, 10_000]
    assert torch.equal(dataset.val.store, load_dataset(MnistConfig(root=str(whole))).val.store)
    assert len(dataset.classes) == len(set(dataset.classes)) == 10


def test_packed_files_give_the_same_as_raw_ones(small: Path, tmp_path: Path) -> None:
    packed = write_idx(Small, tmp_path, packed=True)
    raw, unpacked = (Small.load(MnistConfig(root=str(root), val_size=100)) for root in (small, packed))
    assert raw.digest == unpacked.digest
    for first, second in zip(raw.splits, unpacked.splits, strict=True):
        assert torch.equal(first.inputs, second.inputs)
        assert torch.equal(first.targets, second.targets)


def test_files_are_decoded_once_and_again_when_they_change(tmp_path: Path) -> None:
    config = MnistConfig(root=str(write_idx(Small, tmp_path)), val_size=100)
    seen: list[tuple[int, int]] = []
    for _ in range(2):
        Small.prepare(config, lambda done, of: seen.append((done, of)))
    assert seen == [(600, 800), (800, 800)]
    first = Small.load(config)
    path = tmp_path / "MNIST" / "raw" / TRAIN_LABELS
    content = path.read_bytes()
    path.write_bytes(content[:8] + content[8:][::-1])
    assert Small.load(config).digest != first.digest


def test_resized_images_are_torchvisions(small: Path) -> None:
    """Its resize of bytes works in whole numbers and so may differ by one grey level in 256."""
    images = Small.read(MnistConfig(root=str(small), val_size=100)).train.inputs
    for side in (14, 32):
        ours = Small.read(MnistConfig(root=str(small), val_size=100, resize=side)).train.inputs
        theirs = resize(torch.from_numpy(images.copy()), [side, side], antialias=True)
        assert ours.shape == (600, 1, side, side)
        assert (torch.from_numpy(ours.copy()).int() - theirs.int()).abs().max() <= 1


def test_the_same_images_and_split_as_ever(whole: Path) -> None:
    train, test = (TORCHVISION(whole, train=train) for train in (True, False))
    dataset = Mnist.load(MnistConfig(root=str(whole)))
    order = np.random.RandomState(0).permutation(60_000)
    assert dataset.train.rows[:3].tolist() == [33263, 26517, 4927]
    assert dataset.train.rows.tolist() == order[5_000:].tolist()
    assert dataset.val.rows.tolist() == order[:5_000].tolist()
    assert torch.equal(dataset.train.store[:, 0], train.data)
    assert torch.equal(dataset.train.targets, train.targets[order[5_000:]])
    assert torch.equal(dataset.val.targets, train.targets[order[:5_000]])
    assert torch.equal(dataset.test.targets, test.targets)
    pixels = train.data[order[5_000:]] / 255
    expected = (test.data / 255 - pixels.mean()) / pixels.std(correction=0)
    torch.testing.assert_close(dataset.test.inputs[:, 0], expected, rtol=0, atol=1e-5)


def test_locate_makes_the_root_absolute(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = small
    assert Mnist.locate(MnistConfig(seed=3, root=raw.name), raw.parent) == MnistConfig(seed=3, root=str(raw))
    monkeypatch.setenv(VARIABLE, str(raw))
    assert Mnist.locate(MnistConfig(), Path("/project")).root == str(raw)


@pytest.mark.parametrize("root", [None, "data"])
def test_load_wants_an_absolute_root(root: str | None) -> None:
    with pytest.raises(BadInput, match=f"^data.root: found {root!r}, allowed: an absolute path$"):
        Mnist.load(MnistConfig(root=root))


def test_missing_files_are_named_with_the_way_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        Mnist.locate(MnistConfig(), tmp_path)
    folder = tmp_path / "data" / "MNIST" / "raw"
    assert str(caught.value) == (
        f"data.root: no {', '.join(FILES)} (raw or .gz) in {folder}; get them with "
        "`sparsetune data fetch mnist`, "
        "or set data.root or SPARSETUNE_DATA to the folder that has MNIST/raw"
    )


def test_one_missing_file_is_named_alone(tmp_path: Path, small: Path) -> None:
    root = linked(tmp_path, small)
    (root / "MNIST" / "raw" / TEST_LABELS).unlink()
    with pytest.raises(BadInput, match=f"^data.root: no {TEST_LABELS} \\(raw or .gz\\) in"):
        Mnist.locate(MnistConfig(root=str(root)), tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "MNIST/raw/train-images.idx3-ubyte",
        "MNIST/raw/train-images.idx3-ubyte.gz",
        "MNIST/raw/train_images_idx3_ubyte",
        "MNIST/raw/Train-Images-IDX3-UByte",
        "MNIST/raw/train-images-idx3-ubyte.zip",
        "MNIST/raw/train-images-idx3-ubyte.bin",
        "MNIST/raw/train-images-idx3-ubyte/train-images-idx3-ubyte",
        "MNIST/train-images-idx3-ubyte",
        "train-images-idx3-ubyte.gz",
    ],
)
def test_a_file_under_another_name_is_named(name: str, tmp_path: Path, small: Path) -> None:
    root = linked(tmp_path, small)
    (root / "MNIST" / "raw" / TRAIN_IMAGES).unlink()
    (root / name).parent.mkdir(exist_ok=True)
    for path in (root / name, root / "notes.txt", root / "MNIST" / "raw" / "emnist-letters-train-images-idx3-ubyte"):
        path.touch()
    with pytest.raises(BadInput) as caught:
        Mnist.locate(MnistConfig(root=str(root)), tmp_path)
    start = f"data.root: no {TRAIN_IMAGES} (raw or .gz) in {root}/MNIST/raw; under another name or in another place: "
    assert str(caught.value).startswith(f"{start}{root / name}; get them with")


def nines_and_a_ten(content: bytes) -> bytes:
    return content[:8] + b"\x0a" + content[9:]


WRONG: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "cut off": (TEST_IMAGES, lambda b: b[:-1], "cut off: found 156,815 bytes, wanted 156,816"),
    "too long": (TEST_LABELS, lambda b: b + b"\0", "too long: found more than the wanted 208 bytes"),
    "magic number": (
        TRAIN_LABELS,
        lambda b: b[:3] + b"\3" + b[4:],
        "not the IDX file it should be: found magic number 0x00000803, wanted 0x00000801",
    ),
    "fewer labels than images": (
        TRAIN_LABELS,
        lambda b: struct.pack(">II", 0x801, 599) + b[9:],
        "found 599 values, wanted 600",
    ),
    "fewer images than labels": (
        TEST_IMAGES,
        lambda b: struct.pack(">IIII", 0x803, 199, 28, 28) + b[16 + 784 :],
        "found 199 x 28 x 28 values, wanted 200 x 28 x 28",
    ),
    "label above 9": (TEST_LABELS, nines_and_a_ten, "found label 10, wanted labels from 0 to 9"),
    "labels of one class": (
        TEST_LABELS,
        lambda b: b[:8] + b"\3" * (len(b) - 8),
        "found the value 3 only, wanted images or labels that differ",
    ),
    "zeros": (
        TEST_IMAGES,
        lambda b: b[:16] + bytes(len(b) - 16),
        "found the value 0 only, wanted images or labels that differ",
    ),
}


@pytest.mark.parametrize("packed", [False, True], ids=["raw", "packed"])
@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_file_is_known_when_it_is_decoded_and_leaves_nothing(
    what: str, packed: bool, tmp_path: Path, small: Path
) -> None:
    name, broken, message = WRONG[what]
    root = linked(tmp_path, small)
    path = root / "MNIST" / "raw" / name
    content = broken(path.read_bytes())
    path.unlink()
    if packed:
        path = path.with_name(f"{name}.gz")
        content = gzip.compress(content, compresslevel=1)
    path.write_bytes(content)
    config = Small.locate(MnistConfig(root=str(root), val_size=100), tmp_path)
    before = {each.folder for each in store.everything()}
    for decode in (lambda: Small.prepare(config, lambda done, of: None), lambda: Small.load(config)):
        with pytest.raises(BadInput) as caught:
            decode()
        assert str(caught.value) == f"{path}: data.root: {message}"
    assert {each.folder for each in store.everything()} == before
    assert not list((cache_root() / "data").glob("*.part"))


def linked(folder: Path, root: Path) -> Path:
    """A root with links to the files of another one."""
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for path in (root / "MNIST" / "raw").iterdir():
        (raw / path.name).symlink_to(path)
    return folder


REAL = os.environ.get(VARIABLE)


@pytest.mark.slow
@pytest.mark.skipif(not REAL, reason=f"{VARIABLE} does not name a folder with MNIST/raw")
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_conformance_of_the_real_files(check: Check) -> None:
    check(DataCase(Mnist, MnistConfig(root=REAL)))


@pytest.mark.slow
@pytest.mark.skipif(not REAL, reason=f"{VARIABLE} does not name a folder with MNIST/raw")
def test_the_real_files_are_mnist() -> None:
    """The known counts of labels, and the known first labels of the test part."""
    dataset = Mnist.load(Mnist.locate(MnistConfig(root=REAL), Path("/project")))
    labels = torch.cat([dataset.train.targets, dataset.val.targets])
    assert labels.bincount().tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert dataset.test.targets.bincount().tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert dataset.test.targets[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    # black is -mean/std of the known (0.1307, 0.3081), which are of all 60,000 images
    assert dataset.train.inputs.min().item() == pytest.approx(-0.1307 / 0.3081, abs=2e-3)

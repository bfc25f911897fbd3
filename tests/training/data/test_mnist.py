"""MNIST: the conformance suite on made-up files of the full size, and every way in which a file can be wrong."""

import gzip
import os
import shutil
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.datasets import MNIST as TORCHVISION

from sparsetune.config.errors import BadInput
from sparsetune.testing.data import CHECKS, Check, DataCase, forget
from sparsetune.training.data import DATA
from sparsetune.training.data.mnist import FILES, Mnist, MnistConfig
from sparsetune.training.data.roots import VARIABLE

TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = FILES


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """Two folders with the same random images: raw and packed."""
    raw, packed = (tmp_path_factory.mktemp(name) for name in ("raw", "packed"))
    random = np.random.default_rng(0)
    for name, shape in FILES.items():
        values = random.integers(0, 256 if len(shape) == 3 else 10, shape, np.uint8)
        content = struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape) + values.tobytes()
        for root in (raw, packed):
            (root / "MNIST" / "raw").mkdir(parents=True, exist_ok=True)
        (raw / "MNIST" / "raw" / name).write_bytes(content)
        (packed / "MNIST" / "raw" / f"{name}.gz").write_bytes(gzip.compress(content, compresslevel=1))
    yield {"raw": raw, "packed": packed}
    forget()  # 200 MB, and as much on disk
    for root in (raw, packed):
        shutil.rmtree(root)


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_conformance(check: Check, roots: dict[str, Path]) -> None:
    check(DataCase(Mnist, MnistConfig(root=str(roots["raw"])), stratified=False))


def test_the_registry_knows_it() -> None:
    assert DATA.get("mnist") is Mnist


def test_packed_files_give_the_same_as_raw_ones(roots: dict[str, Path]) -> None:
    raw, packed = (Mnist.load(MnistConfig(root=str(root))) for root in roots.values())
    for name in ("train", "val", "test"):
        assert torch.equal(getattr(raw, name).inputs, getattr(packed, name).inputs)
        assert torch.equal(getattr(raw, name).targets, getattr(packed, name).targets)


def test_the_same_images_as_torchvision_reads(roots: dict[str, Path]) -> None:
    theirs = [TORCHVISION(roots["raw"], train=train) for train in (True, False)]
    dataset = Mnist.load(MnistConfig(root=str(roots["raw"])))
    order = np.random.RandomState(0).permutation(60_000)
    train = theirs[0].data[order[5_000:]] / 255
    mean, std = train.mean(), train.std(correction=0)
    for split, images, labels in (
        (dataset.train, theirs[0].data[order[5_000:]], theirs[0].targets[order[5_000:]]),
        (dataset.val, theirs[0].data[order[:5_000]], theirs[0].targets[order[:5_000]]),
        (dataset.test, theirs[1].data, theirs[1].targets),
    ):
        assert torch.equal(split.targets, labels)
        expected = (images / 255 - mean) / std
        torch.testing.assert_close(split.inputs[:, 0], expected, rtol=0, atol=1e-5)


def test_locate_makes_the_root_absolute(roots: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    raw = roots["raw"]
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
        f"`python -c \"from torchvision.datasets import MNIST; MNIST('{tmp_path}/data', download=True)\"`, "
        "or set data.root or SPARSETUNE_DATA to the folder that has MNIST/raw"
    )


def test_one_missing_file_is_named_alone(tmp_path: Path, roots: dict[str, Path]) -> None:
    root = linked(tmp_path, roots["raw"])
    (root / "MNIST" / "raw" / TEST_LABELS).unlink()
    with pytest.raises(BadInput, match=f"^data.root: no {TEST_LABELS} \\(raw or .gz\\) in"):
        Mnist.locate(MnistConfig(root=str(root)), tmp_path)


def nines_and_a_ten(content: bytes) -> bytes:
    return content[:8] + b"\x0a" + content[9:]


WRONG: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "cut off": (TEST_IMAGES, lambda b: b[:-1], "cut off: found 7,840,015 bytes, wanted 7,840,016"),
    "too long": (TEST_LABELS, lambda b: b + b"\0", "too long: found more than the wanted 10,008 bytes"),
    "magic number": (
        TRAIN_LABELS,
        lambda b: b[:3] + b"\3" + b[4:],
        "not the IDX file it should be: found magic number 0x00000803, wanted 0x00000801",
    ),
    "fewer labels than images": (
        TRAIN_LABELS,
        lambda b: struct.pack(">II", 0x801, 59_999) + b[9:],
        "found 59,999 values, wanted 60,000",
    ),
    "fewer images than labels": (
        TEST_IMAGES,
        lambda b: struct.pack(">IIII", 0x803, 9_999, 28, 28) + b[16 + 784 :],
        "found 9,999 x 28 x 28 values, wanted 10,000 x 28 x 28",
    ),
    "label above 9": (TEST_LABELS, nines_and_a_ten, "found label 10, wanted labels from 0 to 9"),
    "zeros": (
        TEST_IMAGES,
        lambda b: b[:16] + bytes(len(b) - 16),
        "found the value 0 only, wanted images or labels that differ",
    ),
}


@pytest.mark.parametrize("packed", [False, True], ids=["raw", "packed"])
@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_file_is_known_before_anything_starts(
    what: str, packed: bool, tmp_path: Path, roots: dict[str, Path]
) -> None:
    name, broken, message = WRONG[what]
    root = linked(tmp_path, roots["raw"])
    path = root / "MNIST" / "raw" / name
    content = broken(path.read_bytes())
    path.unlink()
    if packed:
        path = path.with_name(f"{name}.gz")
        content = gzip.compress(content, compresslevel=1)
    path.write_bytes(content)
    config = MnistConfig(root=str(root))
    with pytest.raises(BadInput) as caught:
        Mnist.locate(config, tmp_path)
    assert str(caught.value) == f"{path}: data.root: {message}"
    with pytest.raises(BadInput, match=message.split(":")[0]):
        Mnist.load(config)


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
    check(DataCase(Mnist, MnistConfig(root=REAL), stratified=False))


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

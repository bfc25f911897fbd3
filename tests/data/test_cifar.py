"""CIFAR-10 and CIFAR-100: the conformance suite in every layout, and every way in which a file can be wrong."""

import gzip
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.data_files import python2_pickle, write_cifar

from sparsetune.base.errors import BadInput
from sparsetune.config.facts import Facts
from sparsetune.data import DATA, store
from sparsetune.data.cifar import CifarImages, read_pickle, read_records
from sparsetune.data.cifar10 import Cifar10, Cifar10Config
from sparsetune.data.cifar100 import COARSE, FINE, Cifar100, Cifar100Config
from sparsetune.data.roots import VARIABLE
from sparsetune.data.splits import Counts
from sparsetune.testing.data import CHECKS, Check, DataCase


class Ten(Cifar10):
    """The same with fewer images."""

    sizes = {"train": 500, "test": 100}


class Hundred(Cifar100):
    """The same with fewer images."""

    sizes = {"train": 1_000, "test": 200}


SMALL: dict[str, type[CifarImages]] = {"cifar10": Ten, "cifar100": Hundred}
LAYOUTS = [(name, number, packed) for name in SMALL for number in (0, 1) for packed in (False, True)]


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> dict[Any, Path]:
    """A root for each set, layout and packing."""
    return {
        (name, number, packed): write_cifar(
            SMALL[name], SMALL[name].layouts[number], tmp_path_factory.mktemp(name), packed=packed
        )
        for name, number, packed in LAYOUTS
    }


CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "cifar10": ("cifar10", {}),
    "cifar10 resized": ("cifar10", {"resize": 16, "stratified": False}),
    "cifar100": ("cifar100", {}),
    "cifar100 coarse": ("cifar100", {"labels": "coarse", "normalize": "unit"}),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_conformance(check: Check, case: tuple[str, dict[str, Any]], roots: dict[Any, Path]) -> None:
    name, settings = case
    entry = SMALL[name]
    root = roots[name, 0, False]
    check(DataCase(entry, entry.Config(root=str(root), val_size=200, **settings)))


@pytest.mark.parametrize("name", SMALL)
def test_every_layout_gives_the_same(name: str, roots: dict[Any, Path]) -> None:
    entry = SMALL[name]
    digests = {
        entry.load(entry.Config(root=str(roots[name, number, packed]), val_size=200)).digest
        for _, number, packed in LAYOUTS
    }
    assert len(digests) == 1


def test_images_and_labels_are_those_of_the_files(roots: dict[Any, Path]) -> None:
    """Read as torchvision reads them: with pickle, in the order of the batches."""
    folder = roots["cifar10", 0, False] / "cifar-10-batches-py"
    batches = [pickle.loads((folder / f"data_batch_{n}").read_bytes(), encoding="latin1") for n in range(1, 6)]
    pools = Ten.read(Cifar10Config(root=str(folder.parent)))
    images = np.concatenate([batch["data"] for batch in batches]).reshape(-1, 3, 32, 32)
    np.testing.assert_array_equal(pools.train.inputs, images)
    assert pools.train.targets.tolist() == [label for batch in batches for label in batch["labels"]]
    assert pools.classes[3] == "cat"


def test_fine_and_coarse_labels(roots: dict[Any, Path]) -> None:
    folder = roots["cifar100", 0, False] / "cifar-100-python"
    batch = pickle.loads((folder / "test").read_bytes(), encoding="latin1")
    for kind, names in (("fine", FINE), ("coarse", COARSE)):
        config = Cifar100Config(root=str(folder.parent), labels=kind)  # type: ignore[arg-type]
        pools = Hundred.read(config)
        assert pools.test is not None
        assert pools.test.targets.tolist() == batch[f"{kind}_labels"]
        assert pools.outputs == len(names) == len(set(names)) == {"fine": 100, "coarse": 20}[kind]
        facts = Hundred.facts(config.model_copy(update={"val_size": 200}))
        assert facts is not None
        assert facts.outputs == len(names)


def test_what_is_known_of_the_whole_sets_without_files() -> None:
    known = {name: DATA.get(name).facts(DATA.get(name).Config()) for name in SMALL}
    assert known == {
        "cifar10": Facts((3, 32, 32), 10, "classification", 45_000),
        "cifar100": Facts((3, 32, 32), 100, "classification", 45_000),
    }
    assert Cifar100.facts(Cifar100Config(labels="coarse", resize=64)) == Facts(
        (3, 64, 64), 20, "classification", 45_000
    )
    assert {name: DATA.get(name).counts(DATA.get(name).Config()) for name in SMALL} == dict.fromkeys(
        SMALL, Counts(45_000, 5_000, 0)
    )


def test_missing_files_are_named_with_the_way_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        Cifar100.locate(Cifar100Config(), tmp_path)
    assert str(caught.value) == (
        f"data.root: no cifar-100-python or cifar-100-python.tar.gz in {tmp_path}/data; get them with "
        "`sparsetune data fetch cifar100`, "
        "or set data.root or SPARSETUNE_DATA to the folder that has one of them"
    )


def test_a_folder_with_gaps_is_named_unless_the_archive_is_there(roots: dict[Any, Path], tmp_path: Path) -> None:
    root = Path(shutil.copytree(roots["cifar10", 0, False], tmp_path / "root"))
    (root / "cifar-10-batches-py" / "data_batch_3").unlink()
    (root / "cifar-10-batches-py" / "test_batch").unlink()
    config = Cifar10Config(root=str(root))
    with pytest.raises(BadInput, match=f"^data.root: no data_batch_3, test_batch in {root}/cifar-10-batches-py; get"):
        Ten.locate(config, tmp_path)
    shutil.copy(roots["cifar10", 0, True] / "cifar-10-python.tar.gz", root)
    assert Ten.find(root) == [root / "cifar-10-python.tar.gz"]


IMAGES = np.random.default_rng(0).integers(0, 256, (50, 3072), np.uint8)
LABELS = [number % 10 for number in range(50)]
GOOD = {b"labels": LABELS, b"data": IMAGES}


def test_fifty_images() -> None:
    images, labels = read_pickle(python2_pickle(GOOD), 50, ["labels"], "here")
    assert images.shape == (50, 3, 32, 32)
    assert images[7, 2, 31, 0] == IMAGES[7, 2 * 1024 + 31 * 32]
    assert labels[:, 0].tolist() == LABELS
    records = np.concatenate([np.array(LABELS, np.uint8)[:, None], IMAGES], axis=1).tobytes()
    same, marks = read_records(records, 50, ["labels"], "here")
    np.testing.assert_array_equal(same, images)
    assert marks[:, 0].tolist() == LABELS


WRONG_PICKLES: dict[str, tuple[Any, str]] = {
    "a list": ([1, 2], "found no array 'data' of 50 x 3,072 bytes"),
    "no images": ({b"labels": LABELS}, "found no array 'data' of 50 x 3,072 bytes"),
    "fewer images": ({b"labels": LABELS, b"data": IMAGES[:49]}, "found no array 'data' of 50 x 3,072 bytes"),
    "no labels": ({b"data": IMAGES}, "found no list 'labels' of 50 whole numbers"),
    "fewer labels": ({**GOOD, b"labels": LABELS[:49]}, "found no list 'labels' of 50 whole numbers"),
    "labels of text": ({**GOOD, b"labels": [b"cat"] * 50}, "found no list 'labels' of 50 whole numbers"),
    "a label below 0": ({**GOOD, b"labels": [-1, *LABELS[1:]]}, "found label -1, wanted labels from 0"),
}


@pytest.mark.parametrize("what", WRONG_PICKLES)
def test_a_wrong_pickle_is_named(what: str) -> None:
    content, message = WRONG_PICKLES[what]
    with pytest.raises(BadInput) as caught:
        read_pickle(python2_pickle(content), 50, ["labels"], "here")
    assert str(caught.value) == f"here: {message}"


def test_records_of_another_length_are_named() -> None:
    with pytest.raises(BadInput, match=r"^here: found 3,073 bytes, wanted 6,146$"):
        read_records(bytes(3073), 2, ["labels"], "here")


PICKLE, BINARY, TAR = (
    "cifar-10-batches-py/data_batch_2",
    "cifar-10-batches-bin/data_batch_2.bin",
    "cifar-10-python.tar.gz",
)
WRONG_FILES: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "cut pickle": (PICKLE, lambda b: b[:-100], "found a broken pickle (pickle data was truncated)"),
    "empty": (PICKLE, lambda b: b"", "found a broken pickle (Ran out of input)"),
    "too long": (PICKLE, lambda b: b + b"\0" * 1_000_000, "too long for 100 images"),
    "runs code": (PICKLE, lambda b: b"cposix\nsystem\n(S'true'\ntR.", "found posix.system in a pickle"),
    "a label of 200": (BINARY, lambda b: b"\xc8" + b[1:], "found label 200, wanted labels from 0 to 9"),
    "zeros": (BINARY, lambda b: bytes(len(b)), "found the value 0 only, wanted images or labels that differ"),
    "cut records": (BINARY, lambda b: b[:-1], "found 307,299 bytes, wanted 307,300"),
    "cut archive": (TAR, lambda b: b[: len(b) // 2], "cut off, or no .tar.gz ("),
    "no archive": (TAR, lambda b: b"<html>" * 1000, "cut off, or no .tar.gz ("),
    "no tar inside": (TAR, lambda b: gzip.compress(b"x" * 10_000), "cut off, or no .tar.gz ("),
    "wrong checksum": (TAR, lambda b: b[:-8] + b"\0\0\0\0" + b[-4:], "cut off, or no .tar.gz (CRC check failed"),
}


@pytest.mark.parametrize("what", WRONG_FILES)
def test_a_wrong_file_is_known_when_it_is_decoded_and_leaves_nothing(
    what: str, roots: dict[Any, Path], tmp_path: Path
) -> None:
    name, broken, message = WRONG_FILES[what]
    source = roots["cifar10", int(name == BINARY), name == TAR]
    root = Path(shutil.copytree(source, tmp_path / "root"))
    path = root / name
    path.write_bytes(broken(path.read_bytes()))
    config = Ten.locate(Cifar10Config(root=str(root), val_size=200), tmp_path)
    before = {each.folder for each in store.everything()}
    with pytest.raises(BadInput) as caught:
        Ten.prepare(config, lambda done, of: None)
    assert str(caught.value).startswith(f"{path}: data.root: {message}")
    assert "\n" not in str(caught.value)
    assert {each.folder for each in store.everything()} == before


def test_a_wrong_member_of_an_archive_is_named(tmp_path: Path) -> None:
    class Short(Cifar10):
        sizes = {"train": 495, "test": 100}

    root = write_cifar(Short, Short.layouts[1], tmp_path, packed=True)
    with pytest.raises(BadInput) as caught:
        Ten.prepare(Cifar10Config(root=str(root), val_size=200), lambda done, of: None)
    path = root / "cifar-10-binary.tar.gz"
    assert str(caught.value).startswith(
        f"{path}: cifar-10-batches-bin/data_batch_5.bin: data.root: found 304,227 bytes"
    )


def test_a_missing_member_of_an_archive_is_named(tmp_path: Path) -> None:
    class Other(Ten):
        batches = {"train": [f"data_batch_{number}" for number in (1, 2, 4, 5, 6)], "test": ["test_batch"]}

    root = write_cifar(Other, Other.layouts[0], tmp_path, packed=True)
    with pytest.raises(BadInput) as caught:
        Ten.prepare(Cifar10Config(root=str(root), val_size=200), lambda done, of: None)
    path = root / "cifar-10-python.tar.gz"
    assert str(caught.value) == f"{path}: data.root: found no data_batch_3 in its folder cifar-10-batches-py"


@pytest.mark.parametrize("packed", [False, True])
def test_files_that_cannot_be_read_are_named(packed: bool, tmp_path: Path) -> None:
    paths = Ten.find(write_cifar(Ten, Ten.layouts[0], tmp_path, packed=packed))
    paths[0].unlink()
    with pytest.raises(BadInput, match=f"^{paths[0]}: cannot be read: No such file or directory$"):
        list(Ten.pieces(paths))

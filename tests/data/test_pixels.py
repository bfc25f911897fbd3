"""One scale for all images whose pixels are not 8 bits: what it is, whose it is, and where it is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.pictures import tiff, write_deep, write_pictures
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from sparsetune.base.errors import BadInput
from sparsetune.base.messages import Job, Key
from sparsetune.base.paths import CACHE, TICKET
from sparsetune.cli import app
from sparsetune.config.trial import resolve_trial
from sparsetune.data import store
from sparsetune.data.dataset import Dataset
from sparsetune.data.delivery import batches
from sparsetune.data.folder import Folder, FolderConfig
from sparsetune.data.pixels import Pixels, black_and_white
from sparsetune.training.left.ticket import read_ticket
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.trial import run_trial


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))


@pytest.mark.parametrize(
    ("low", "high", "whole", "scale"),
    [
        (0, 255, True, (0, 255)),  # 8 bits of range in a file of 16
        (3, 201, True, (0, 255)),
        (10, 4000, True, (0, 4095)),
        (0, 65535, True, (0, 65535)),
        (900, 2**31 - 1, True, (0, 2**31 - 1)),
        (0, 256, True, (0, 511)),
        (0, 1, True, (0, 1)),
        (0, 0, True, (0, 1)),
        (30_000, 30_300, True, (30_000, 30_300)),  # a range far from black
        (-1024, 3071, True, (-1024, 3071)),
        (7, 7, True, (7, 8)),
        (0.0, 1.0, False, (0, 1)),
        (0.1, 0.6, False, (0, 1)),
        (0.0, 0.01, False, (0, 0.01)),
        (0.5, 254.7, False, (0.5, 254.7)),
        (0.0, 65535.0, False, (0, 65535)),
        (-1.0, 1.0, False, (-1, 1)),
        (290.0, 310.0, False, (290, 310)),
        (5.5, 5.5, False, (5.5, 6.5)),
    ],
)
def test_black_and_white(low: float, high: float, whole: bool, scale: tuple[float, float]) -> None:
    assert black_and_white(low, high, whole) == scale


@given(st.integers(-(2**31), 2**32 - 1), st.integers(0, 2**32), st.booleans())
def test_training_images_lie_between_black_and_white_and_use_a_quarter(low: int, more: int, whole: bool) -> None:
    black, white = black_and_white(low, low + more, whole)
    assert black <= low <= low + more <= white
    assert more == 0 or 4 * more >= white - black


def loaded(root: Path, **settings: Any) -> Dataset:
    config = Folder.locate(FolderConfig(train_dir=str(root), **{"mode": "grey", **settings}), root.parent)
    Folder.prepare(config, lambda done, of: None)
    return Folder.load(config)


def images(depth: str, low: float, high: float) -> Any:
    """Two classes of 15 images of 6 x 6 pixels whose values, as far as they go, take the whole range."""
    values = np.random.default_rng(0).uniform(low, high, (2, 15, 6, 6))
    values[..., 0, 0], values[..., 0, 1] = low, high
    return values.astype(depth)


SETS = {
    "8 bits in 16": ("uint16", 0, 255, 0, 255),
    "12 bits in 16": ("uint16", 0, 4095, 0, 4095),
    "16 bits": ("uint16", 0, 65535, 0, 65535),
    "16 bits far from black": ("uint16", 30_000, 30_300, 30_000, 30_300),
    "signed 16 bits": ("int16", -1024, 3071, -1024, 3071),
    "32 bits": ("int32", 0, 65535, 0, 65535),
    "32 bits, large and alike": ("int32", 1_700_000_000, 1_700_000_255, 1_700_000_000, 1_700_000_255),
    "unsigned 32 bits": ("uint32", 0, 2**32 - 1, 0, 2**32 - 1),
    "signed 8 bits": ("int8", -128, 127, -128, 127),
    "floats to 1": ("float32", 0, 1, 0, 1),
    "floats to 255": ("float32", 0, 255, 0, 255),
    "floats to 65535": ("float32", 0, 65535, 0, 65535),
    "floats around 0": ("float32", -1, 1, -1, 1),
    "small floats": ("float32", 0, 1e-4, 0, float(np.float32(1e-4))),
    "floats of one value": ("float32", 3, 3, 3, 4),
}


@pytest.mark.parametrize("case", SETS)
@pytest.mark.parametrize("augment", ["none", "crop_flip"])
def test_what_a_network_is_given(case: str, augment: str, tmp_path: Path) -> None:
    depth, low, high, black, white = SETS[case]
    values = images(depth, low, high)
    root = write_deep(tmp_path / "set", values)
    exact = (values.reshape(30, 1, 6, 6).astype(np.float64) - black) / (white - black)
    for normalize in ("unit", "standard", "none"):
        data = loaded(root, normalize=normalize, augment=augment)
        assert data.train.store.dtype == getattr(torch, depth)
        rows = data.train.rows.numpy()
        mean, deviation = exact[rows].mean(), exact[rows].std() or 1.0
        wanted = {
            "unit": exact[rows],
            "standard": (exact[rows] - mean) / deviation,
            "none": values.reshape(30, 1, 6, 6)[rows].astype(np.float64),
        }[normalize]
        assert data.train.inputs.dtype == torch.float32
        np.testing.assert_allclose(data.train.inputs, wanted, rtol=1e-6, atol=3e-6)
        ((given, _),) = batches(data.train, 64)
        lowest, highest = wanted.min(), wanted.max()  # what a crop puts around is black, which is the lowest here
        assert lowest - 1e-5 <= float(given.min()) <= float(given.max()) <= highest + 1e-5 * max(1, abs(highest))
        assert data.pixels is not None
        if normalize != "none":
            assert (data.pixels.depth, data.pixels.black, data.pixels.white) == (depth, black, white)


def test_the_scale_is_that_of_the_training_images_alone(tmp_path: Path) -> None:
    """Also where validation and test are drawn from the same folder; of whatever is there, one for all."""
    values = images("uint16", 0, 255)
    train = write_deep(tmp_path / "train", values, "png")
    bright = write_deep(tmp_path / "val", images("uint16", 0, 4095)[:, :3], "png")
    data = loaded(train, val_dir=str(bright), normalize="unit")
    assert str(data.pixels) == "16 bits, black 0, white 255"
    assert float(data.val.inputs.max()) == pytest.approx(4095 / 255)
    before = loaded(train, normalize="unit")
    held_out = int(before.test.rows[0])
    file = sorted(train.glob("*/*"))[held_out]
    file.write_bytes(tiff(np.full((6, 6), 65535, np.uint16)))
    after = loaded(train, normalize="unit")
    assert after.pixels == before.pixels
    assert torch.equal(after.train.inputs, before.train.inputs)
    assert float(after.test.inputs.max()) == 257


def test_8_bits_are_what_they_were(tmp_path: Path) -> None:
    data = loaded(write_pictures(tmp_path / "set", {"a": 12, "b": 12}), normalize="unit")
    assert data.pixels is None
    assert data.train.store.dtype == torch.uint8
    assert torch.equal(data.train.inputs, data.train.store[data.train.rows] / 255)


@pytest.mark.parametrize("mode", ["grey", "rgb"])
@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        ("uint16", "uint8", "16 bits, b/000.tif has 8 bits"),
        ("uint8", "uint16", "8 bits, b/000.tif has 16 bits"),
        ("uint16", "int32", "16 bits, b/000.tif has signed 32 bits"),
        ("float32", "uint16", "32-bit floats, b/000.tif has 16 bits"),
        ("int16", "uint16", "signed 16 bits, b/000.tif has 16 bits"),
    ],
)
def test_mixed_depths_are_refused(one: str, other: str, words: str, mode: str, tmp_path: Path) -> None:
    for name, depth in (("a", one), ("b", other)):
        (tmp_path / "set" / name).mkdir(parents=True)
        (tmp_path / "set" / name / "000.tif").write_bytes(tiff(np.arange(16).reshape(4, 4).astype(depth)))
    with pytest.raises(BadInput) as caught:
        loaded(tmp_path / "set", mode=mode)
    problem = f"mixed depths: a/000.tif has {words}; give all files the same"
    assert str(caught.value) == f"{tmp_path}/set: data.train_dir: {problem}"
    assert not store.everything()


def test_folders_of_other_depths_are_refused(tmp_path: Path) -> None:
    train = write_deep(tmp_path / "train", images("uint16", 0, 255))
    val = write_deep(tmp_path / "val", images("uint8", 0, 255))
    with pytest.raises(BadInput) as caught:
        loaded(train, val_dir=str(val))
    assert str(caught.value) == (
        "data.val_dir: mixed depths: data.train_dir has 16 bits, data.val_dir has 8 bits; give all files the same"
    )


def test_a_file_with_a_pixel_that_is_no_number_can_be_left_out(tmp_path: Path) -> None:
    root = write_deep(tmp_path / "set", images("float32", 0, 1))
    broken = np.zeros((6, 6), np.float32)
    broken[3, 3] = np.nan
    (root / "a" / "003.tif").write_bytes(tiff(broken))
    with pytest.raises(
        BadInput, match=r"1 of 30 images cannot be decoded, the first: a/003\.tif \(has pixels that are NaN"
    ):
        loaded(root)
    assert len(loaded(root, skip_bad=True).train.store) == 29


TRIAL: dict[str, Any] = {
    "method": "slt",
    "model": {"name": "mlp", "hidden": [19]},
    "training": {"epochs": 2, "batch_size": 8, "device": "cpu"},
}


@pytest.fixture
def trial(tmp_path: Path) -> Any:
    """A trial on images of 12 bits in files of 16, with a folder for validation and one for the test."""
    folders = {}
    for number, name in enumerate(("train", "val", "test")):
        values = np.random.default_rng(number).integers(0, 2000, (2, 12, 6, 6))
        values[1] += 2000
        folders[f"{name}_dir"] = str(write_deep(tmp_path / name, values.astype(np.uint16), "png"))
    config = resolve_trial({**TRIAL, "data": {"name": "folder", "mode": "grey", **folders}}, REGISTRIES)
    Folder.prepare(config.data, lambda done, of: None)  # type: ignore[arg-type]
    last = list(run_trial(Job(Key(0, 0), config.plain(), str(tmp_path / "trial"))))[-1].outcome
    assert last is not None
    return last, folders


def test_trial_and_ticket_keep_the_scale(trial: Any, tmp_path: Path) -> None:
    last, folders = trial
    assert last.notes["pixels"] == "16 bits, black 0, white 4095"
    ticket = read_ticket(tmp_path / "trial" / TICKET)
    data = Folder.load(FolderConfig(mode="grey", **folders))
    assert ticket.about.pixels == data.pixels
    again = read_ticket_of(ticket.to_bytes(), tmp_path)
    assert again == data.pixels


def read_ticket_of(content: bytes, folder: Path) -> Pixels | None:
    (folder / TICKET).write_bytes(content)
    return read_ticket(folder / TICKET).about.pixels


def test_a_ticket_is_evaluated_by_the_scale_that_it_keeps(trial: Any, tmp_path: Path) -> None:
    """Also where the training images are others: what it predicts for the same images stays the same."""
    last, folders = trial
    other = write_deep(tmp_path / "other", np.full((2, 3, 6, 6), [[[[9]]], [[[60_000]]]], np.uint16), "png")
    places = {**folders, "train_dir": str(other)}
    words = [word for name, place in places.items() for word in ("--set", f"data.{name}={place}")]
    result = CliRunner().invoke(app, ["ticket", "eval", str(tmp_path / "trial" / TICKET), *words, "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    for name in ("val_accuracy", "test_accuracy", "val_loss"):
        assert found["found"][name] == pytest.approx(last.metrics[name], rel=1e-6)
    bytes_of = str(write_deep(tmp_path / "bytes", images("uint8", 0, 255)[:, :4]))
    words = ["--set", f"data.train_dir={bytes_of}"]
    for name in ("val", "test"):
        folder = write_deep(tmp_path / f"bytes-{name}", images("uint8", 0, 250)[:, 4:])
        words += ["--set", f"data.{name}_dir={folder}"]
    result = CliRunner().invoke(app, ["ticket", "eval", str(tmp_path / "trial" / TICKET), *words])
    assert result.exit_code == 2
    assert "data: found images of 8 bits, allowed: 16 bits, as it was trained on" in result.output

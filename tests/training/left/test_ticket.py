"""The file of a ticket: what goes in comes out, it takes what it must, and whatever is wrong with one is said."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st

from sparsetune.base.errors import BadInput
from sparsetune.base.paths import TICKET
from sparsetune.sparsity.ticket_file import Layer, digest
from sparsetune.training.left.ticket import OfSeed, Ticket, read_ticket

CONFIG = {
    "method": {"name": "slt", "sparsity": 0.5}, "data": {"name": "digits"}, "model": {"name": "mlp"},
    "training": {"epochs": 2}, "metrics": {}, "seed": 3,
}  # fmt: skip
METRICS = {"val_accuracy": 0.1 + 0.2, "test_loss": 1e-300}


def ticket(mask: Any, *shapes: tuple[int, ...]) -> Ticket:
    kept = np.asarray(mask, dtype=np.bool_)
    layers = tuple(Layer(name=f"{number}.weight", shape=shape) for number, shape in enumerate(shapes or [(len(kept),)]))
    about = OfSeed(
        config=CONFIG,
        input_shape=(1, 8, 8),
        outputs=10,
        task="classification",
        layers=layers,
        counters={"bn.num_batches_tracked": 9},
        density=0.5,
        sparsity=0.5,
        drawn="ab",
        torch="2.11.0",
        device="cpu",
        threads=2,
        split="cd",
        metrics=METRICS,
    )
    state = {
        "bn.running_mean": np.array([-0.0, 1.5, np.inf], dtype=np.float32),
        "bn.running_var": np.array([1, 2, 3], dtype=np.float64),
        "scale": np.array(0.25, dtype=np.float32),
    }
    return Ticket(about, kept, state)


def written(folder: Path, content: bytes) -> Path:
    file = folder / TICKET
    file.write_bytes(content)
    return file


def header(content: bytes) -> dict[str, Any]:
    """What stands in a file beside its tensors."""
    length = int.from_bytes(content[:8], "little")
    found: dict[str, Any] = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["sparsetune_ticket"])
    return found


@settings(max_examples=60, deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=70))
def test_a_mask_of_any_length_comes_back(tmp_path_factory: pytest.TempPathFactory, mask: list[bool]) -> None:
    one = ticket(mask)
    found = read_ticket(written(tmp_path_factory.mktemp("ticket"), one.to_bytes()))
    assert found.mask.dtype == np.bool_
    assert found.mask.tolist() == mask
    assert found.kept() == [sum(mask)]


def test_all_else_comes_back_bit_for_bit(tmp_path: Path) -> None:
    one = ticket([True] * 7 + [False] * 4, (1, 2), (3, 1, 3))
    found = read_ticket(written(tmp_path, one.to_bytes()))
    assert found.about == one.about
    assert found.kept() == [2, 5]
    assert found.state.keys() == one.state.keys()
    for name, values in one.state.items():
        assert (found.state[name].dtype, found.state[name].shape) == (values.dtype, values.shape)
        assert found.state[name].tobytes() == values.tobytes()
    assert found.dense_bytes == 4 * 11 + 3 * 4 + 3 * 8 + 4
    assert found.to_bytes() == one.to_bytes() == found.to_bytes(), "equal tickets are equal files"


def test_the_first_weight_is_in_the_highest_place() -> None:
    bits = safetensors.numpy.load(ticket([True] + [False] * 8 + [True, True]).to_bytes())["mask"]
    assert bits.tolist() == [0b1000_0000, 0b0110_0000]


@pytest.mark.parametrize("count", [1, 7, 8, 9, 12345])
def test_a_weight_takes_a_bit(count: int) -> None:
    one = replace(ticket([True] * count), state={"running_mean": np.zeros(5, dtype=np.float32)})
    content = one.to_bytes()
    assert sum(each.nbytes for each in safetensors.numpy.load(content).values()) == math.ceil(count / 8) + 4 * 5
    assert len(content) == 8 + int.from_bytes(content[:8], "little") + math.ceil(count / 8) + 4 * 5


def refused(file: Path) -> str:
    with pytest.raises(BadInput) as caught:
        read_ticket(file)
    said = str(caught.value)
    assert said.startswith(f"{file}: ")
    assert "\n" not in said
    return said.removeprefix(f"{file}: ")


@pytest.mark.parametrize("cut", [0, 1, 7, 8, 9, 200, -2, -1])
def test_a_file_that_is_cut_off(tmp_path: Path, cut: int) -> None:
    assert "is damaged or cut off" in refused(written(tmp_path, ticket([True] * 99).to_bytes()[:cut]))


def test_a_file_with_something_behind_it(tmp_path: Path) -> None:
    assert "is damaged" in refused(written(tmp_path, ticket([True] * 99).to_bytes() + b"\0"))


def test_every_byte_of_the_content_counts(tmp_path: Path) -> None:
    """Also those of the header, but for a few that say nothing, such as spaces. There is no error but BadInput."""
    one = ticket([True, False, True] * 7, (3, 7))
    content = one.to_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    unnoticed = []
    for place in range(len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 1 << place % 8
        file = written(tmp_path, bytes(damaged))
        try:
            found = read_ticket(file)
        except BadInput:
            continue
        assert (found.about, found.mask.tobytes()) == (one.about, one.mask.tobytes())
        unnoticed.append(place)
    assert all(place < start for place in unnoticed)
    assert len(unnoticed) < 50


FOREIGN: dict[str, tuple[Callable[[Path], None], str]] = {
    "nothing": (lambda file: None, "no such file"),
    "a folder": (lambda file: file.mkdir(), "cannot be read|is damaged or cut off"),
    "empty": (lambda file: file.write_bytes(b"") and None, "is damaged or cut off"),
    "text": (lambda file: file.write_text("method: slt\nseed: 0\n") and None, "no safetensors file"),
    "weights": (
        lambda file: file.write_bytes(safetensors.numpy.save({"mask": np.zeros(2, np.uint8)})) and None,
        "is no ticket, which is called ticket.safetensors",
    ),
}


@pytest.mark.parametrize("what", FOREIGN)
def test_a_file_of_another_kind(tmp_path: Path, what: str) -> None:
    make, words = FOREIGN[what]
    make(tmp_path / "x")
    assert re.search(words, refused(tmp_path / "x"))


def forged(one: Ticket, change: Callable[[dict[str, Any], dict[str, Any]], None], *, signed: bool = True) -> bytes:
    """A ticket's file with other words or tensors; ``signed``: with the checksum of what it holds now."""
    content = one.to_bytes()
    words, tensors = header(content), dict(safetensors.numpy.load(content))
    change(words, tensors)
    if signed:
        words["sha256"] = digest({k: v for k, v in words.items() if k not in ("version", "sha256")}, tensors)
    return safetensors.numpy.save(tensors, {"sparsetune_ticket": json.dumps(words)})


def drop(name: str) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    return lambda words, tensors: (words if name in words else tensors).pop(name)


def put(name: str, value: Any) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    return lambda words, tensors: (tensors if isinstance(value, np.ndarray) else words).update({name: value})


FORGED = {
    "of a newer version": (
        put("version", 3),
        "is a ticket of version 3; a newer SparseTune has written it; allowed: up to 2",
    ),
    "without a version": (drop("version"), "header is not that of a ticket"),
    "without a part": (drop("drawn"), "is no ticket of version 1: drawn: "),
    "with one too many": (put("x", 1), "is no ticket of version 1: x: "),
    "of another type": (put("outputs", "10"), "outputs: Input should be a valid integer"),
    "without weights": (put("layers", [{"name": "a", "shape": [3, 0]}]), r"layers\.0\.shape\.1: "),
    "without names": (put("config", {"method": {"name": "slt"}}), "found no names of method, data, model"),
    "without a mask": (drop("mask"), "not one bit for each of 21 weights"),
    "with a short mask": (put("mask", np.zeros(2, np.uint8)), "not one bit for each of 21 weights"),
    "with a long mask": (put("mask", np.zeros(4, np.uint8)), "not one bit for each of 21 weights"),
    "with a mask of bytes": (put("mask", np.zeros(21, np.float32)), "not one bit for each of 21 weights"),
    "of huge layers": (put("layers", [{"name": "a", "shape": [10**18, 10**18]}]), "not one bit for each"),
}


@pytest.mark.parametrize("what", FORGED)
def test_a_ticket_that_cannot_be(tmp_path: Path, what: str) -> None:
    change, words = FORGED[what]
    one = ticket([True, False, True] * 7, (3, 7))
    assert re.search(words, refused(written(tmp_path, forged(one, change))))


@pytest.mark.parametrize("change", [put("split", "ee"), put("bn.running_mean", np.zeros(3, np.float32)), drop("scale")])
def test_a_ticket_that_was_changed_by_hand(tmp_path: Path, change: Any) -> None:
    file = written(tmp_path, forged(ticket([True] * 9), change, signed=False))
    assert refused(file) == "is damaged: its content does not have the checksum that it names"


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '{"version": "1"}', "[" * 100_000])
def test_a_header_that_is_none(tmp_path: Path, text: str) -> None:
    content = safetensors.numpy.save({"mask": np.zeros(2, np.uint8)}, {"sparsetune_ticket": text})
    assert refused(written(tmp_path, content)) == "is damaged: its header is not that of a ticket"

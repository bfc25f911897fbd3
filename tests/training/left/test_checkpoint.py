"""A checkpoint is whole or it is none, and reading one never executes code."""

import hashlib
import io
import os
import pickle
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sparsetune.testing.trained import same_state
from sparsetune.training.checkpoint import read_checkpoint, write_checkpoint

STATE = {
    "weights": torch.arange(6, dtype=torch.float64).view(2, 3),
    "nothing": None,
    "infinite": float("inf"),
    "rows": [{"epoch": 1, "metrics": {"val_loss": 0.1}}],
    "flag": True,
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trial" / "checkpoint.pt"


class Bomb:
    """Unpickled, it makes a folder."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> object:
        return os.mkdir, (str(self.target),)


def content_of(state: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def with_checksum(content: bytes) -> bytes:
    return hashlib.sha256(content).digest() + content


def test_what_was_saved_comes_back(path: Path) -> None:
    write_checkpoint(path, STATE)
    assert same_state(read_checkpoint(path), STATE)
    assert [file.name for file in path.parent.iterdir()] == ["checkpoint.pt"]


def test_the_newest_replaces_the_one_before(path: Path) -> None:
    for epoch in (1, 2, 3):
        write_checkpoint(path, {"epoch": epoch})
    assert read_checkpoint(path) == {"epoch": 3}
    assert [file.name for file in path.parent.iterdir()] == ["checkpoint.pt"]


def test_a_save_that_fails_leaves_the_old_one(path: Path) -> None:
    write_checkpoint(path, STATE)
    with pytest.raises((pickle.PicklingError, AttributeError)):
        write_checkpoint(path, {"cannot be pickled": lambda: None})
    assert same_state(read_checkpoint(path), STATE)
    assert [file.name for file in path.parent.iterdir()] == ["checkpoint.pt"]


def test_a_rename_that_fails_leaves_the_old_one(path: Path) -> None:
    """The name is taken by a folder: nothing else is touched, and what was half done is not taken for a checkpoint."""
    path.mkdir(parents=True)
    (path / "inside").touch()
    with pytest.raises(OSError, match="directory"):
        write_checkpoint(path, STATE)
    assert (path / "inside").exists()
    assert read_checkpoint(path.with_name("other.pt")) is None


def test_what_a_killed_save_left_is_not_read(path: Path) -> None:
    write_checkpoint(path, {"epoch": 1})
    path.with_name(".checkpoint.pt.123.part").write_bytes(path.read_bytes()[:40])
    assert read_checkpoint(path) == {"epoch": 1}


def test_no_file(path: Path) -> None:
    assert read_checkpoint(path) is None


def test_a_truncated_file(path: Path) -> None:
    write_checkpoint(path, STATE)
    whole = path.read_bytes()
    for length in [*range(0, 80), *range(80, len(whole), 37), len(whole) - 1]:
        path.write_bytes(whole[:length])
        assert read_checkpoint(path) is None, length
    path.write_bytes(whole + b"\0")
    assert read_checkpoint(path) is None


@settings(deadline=None)
@given(st.data())
def test_a_flipped_bit(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.mktemp("flipped") / "checkpoint.pt"
    raw = bytearray(with_checksum(content_of(STATE)))
    position = data.draw(st.integers(0, len(raw) - 1))
    raw[position] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(raw)
    assert read_checkpoint(path) is None


@settings(deadline=None)
@given(st.binary(max_size=300), st.booleans())
def test_garbage(tmp_path_factory: pytest.TempPathFactory, garbage: bytes, checksum: bool) -> None:
    path = tmp_path_factory.mktemp("garbage") / "checkpoint.pt"
    path.write_bytes(with_checksum(garbage) if checksum else garbage)
    assert read_checkpoint(path) is None


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x80\x02.", content_of([1, 2]), content_of(torch.ones(2))])
def test_a_right_checksum_over_something_else(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(with_checksum(content))
    assert read_checkpoint(path) is None


@pytest.mark.parametrize("checksum", [True, False])
@pytest.mark.parametrize("form", ["torch", "pickle"])
def test_code_in_a_file_is_not_executed(path: Path, tmp_path: Path, form: str, checksum: bool) -> None:
    target = tmp_path / "executed"
    bomb = {"state": Bomb(target)}
    content = content_of(bomb) if form == "torch" else pickle.dumps(bomb)
    path.parent.mkdir()
    path.write_bytes(with_checksum(content) if checksum else content)
    assert read_checkpoint(path) is None
    assert not target.exists()
    pickle.loads(pickle.dumps(bomb))  # the bomb works
    assert target.exists()

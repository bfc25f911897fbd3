"""Pickles are read without running anything."""

import builtins
import io
import os
import pickle
import pickletools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.data_files import python2_pickle

from sparsetune.base.errors import BadInput
from sparsetune.data.pickles import byte_array, unpickled

IMAGES = np.arange(12, dtype=np.uint8).reshape(3, 4)
BATCH = {b"labels": [3, 1], b"data": IMAGES, b"filenames": [b"a.png"]}


def test_what_a_batch_holds() -> None:
    found = unpickled(python2_pickle(BATCH), "here")
    assert found[b"labels"] == [3, 1]
    assert found[b"filenames"] == [b"a.png"]
    values = byte_array(found[b"data"], (3, 4))
    assert values is not None
    assert values.dtype == np.uint8
    np.testing.assert_array_equal(values, IMAGES)


def test_the_made_up_files_are_pickles_that_python_reads_as_torchvision_does() -> None:
    found = pickle.load(io.BytesIO(python2_pickle(BATCH)), encoding="latin1")
    assert found["labels"] == [3, 1]
    np.testing.assert_array_equal(found["data"], IMAGES)


def test_columns_first() -> None:
    content = python2_pickle(IMAGES).replace(b"tb\x89T", b"tb\x88T")
    values = byte_array(unpickled(content, "here"), (3, 4))
    assert values is not None
    np.testing.assert_array_equal(values, IMAGES.reshape(-1).reshape((3, 4), order="F"))


@pytest.mark.parametrize("shape", [(4, 3), (12,), (3, 5)])
def test_an_array_of_another_shape_is_none(shape: tuple[int, ...]) -> None:
    assert byte_array(unpickled(python2_pickle(IMAGES), "here"), shape) is None


@pytest.mark.parametrize("value", [None, 3, [1, 2], b"\0" * 12])
def test_other_values_are_no_array(value: Any) -> None:
    assert byte_array(value, (3, 4)) is None


def test_an_array_of_other_numbers_is_none() -> None:
    content = python2_pickle(IMAGES).replace(b"U\x02u1", b"U\x02i1")
    assert byte_array(unpickled(content, "here"), (3, 4)) is None


class Runs:
    """Writes a file when it is read with pickle."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_nothing_that_a_pickle_names_is_run(protocol: int, tmp_path: Path) -> None:
    content = pickle.dumps({"labels": Runs(tmp_path / "made")}, protocol)
    with pytest.raises(BadInput, match=r"^here: found (posix|os)\.mkdir in a pickle, allowed: lists, numbers"):
        unpickled(content, "here")
    assert not (tmp_path / "made").exists()
    pickle.loads(content)
    assert (tmp_path / "made").exists(), "else this test could not fail"


@pytest.mark.parametrize(
    "named",
    ["builtins eval", "__builtin__ eval", "numpy load", "numpy.core.multiarray fromfile", "numpy ndarray.tofile"],
)
def test_other_names_are_refused_by_name(named: str) -> None:
    module, name = named.split()
    with pytest.raises(BadInput, match=rf"found {module}\.{name} in"):
        unpickled(f"c{module}\n{name}\n(S'1'\ntR.".encode(), "here")


def test_allowed_names_do_nothing_when_called(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise AssertionError("called")

    monkeypatch.setattr(np._core.multiarray, "_reconstruct", fail)
    monkeypatch.setattr(builtins, "eval", fail)
    assert byte_array(unpickled(python2_pickle(IMAGES), "here"), (3, 4)) is not None


def test_whatever_is_cut_or_changed_is_one_line_or_an_array() -> None:
    content = python2_pickle(BATCH)
    pickletools.dis(content, out=io.StringIO())
    broken = [content[:end] for end in range(len(content))]
    broken += [content[:at] + bytes([content[at] ^ 0x55]) + content[at + 1 :] for at in range(len(content))]
    lines = [line for each in broken if (line := refusal(each))]
    assert len(lines) > len(content)
    assert all(line.startswith("here: found ") and "\n" not in line for line in lines)


def refusal(content: bytes) -> str | None:
    try:
        unpickled(content, "here")
    except BadInput as error:
        return str(error)
    return None

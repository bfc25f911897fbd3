"""YAML in and out, atomic writes."""

from __future__ import annotations

import math
import os
import pickle
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparsetune.base.errors import BadInput, shown
from sparsetune.base.yaml_io import dump, parse, read_mapping, write_atomic

CHARACTERS = st.characters()  # halves of surrogate pairs and Unicode's line breaks, too
TEXT = st.text(CHARACTERS, max_size=8) | st.sampled_from(
    ["1e5", "7.8e9", ".5", "-1E3", "yes", "null", "1:30", "0x1", "~", "=", "<<"]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT
VALUES = st.recursive(SCALARS, lambda v: st.lists(v, max_size=4) | st.dictionaries(TEXT, v, max_size=4), max_leaves=12)


@given(VALUES)
def test_what_is_dumped_is_read_back(value: Any) -> None:
    again = parse(dump(value), source="")
    assert again == value
    assert repr(again) == repr(value)  # 1, 1.0 and true are equal


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Z\u00fcrich", "Z\u00fcrich"),
        ("\U0001f600", "\U0001f600"),
        (r"a\Ub", r"a\Ub"),
        ("half \ud83d", r'"half \uD83D"'),
        ("\u2028", r'"\L"'),
    ],
)
def test_texts_are_written_as_a_person_would(name: str, written: str) -> None:
    """libyaml alone would escape what lies beyond the basic plane, and fail for half a pair."""
    content = {"a": {"layers": [1, 2], "name": name, "lr": 1e-5}, "b": None}
    assert dump(content) == f"a:\n  layers: [1, 2]\n  name: {written}\n  lr: 1.0e-05\nb: null\n"


@given(st.floats(allow_nan=False))
def test_every_spelling_of_a_float(value: float) -> None:
    for form in (f"{value!r}", f"{value:e}", f"{value:E}"):
        if math.isfinite(value):
            assert parse(form, source="") == float(form)


@pytest.mark.parametrize(
    "text", ["7.8e9", "1e3", "1E3", "1.e3", ".5e1", "-1e-3", "+2e+2", "1_000e1", "1.", ".5", "-0.5"]
)
def test_floats(text: str) -> None:
    value = parse(text, source="")
    assert type(value) is float
    assert value == float(text)


@pytest.mark.parametrize("text", ["e3", "1e", "e", ".", "1.2.3", "1e3x", "-", "1:30.5"])
def test_texts(text: str) -> None:
    assert parse(text if text != "-" else "'-'", source="") == text


def test_special_floats() -> None:
    assert parse("[.inf, -.inf]", source="") == [math.inf, -math.inf]
    assert math.isnan(parse(".nan", source=""))


def test_merge_keys_and_anchors() -> None:
    text = "a: &x {lr: 1, k: 2}\nb: {<<: *x, lr: 3}\n"
    assert parse(text, source="") == {"a": {"lr": 1, "k": 2}, "b": {"lr": 3, "k": 2}}


@pytest.mark.parametrize("text", ["!!python/object/apply:os.system [ls]", "!!python/name:os.system", "!x 1"])
def test_only_plain_values(text: str) -> None:
    with pytest.raises(BadInput, match="could not determine a constructor"):
        parse(text, source="")


@given(st.dictionaries(st.text(CHARACTERS, min_size=1, max_size=5), SCALARS, max_size=3))
def test_files(content: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.yaml"
        write_atomic(path, dump(content))
        assert read_mapping(path) == content


def test_write_atomic_replaces_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    write_atomic(path, "old")
    reader = path.open()
    write_atomic(path, b"new")
    assert path.read_bytes() == b"new"
    assert reader.read() == "old"  # the old file was replaced, not changed under its reader
    reader.close()
    assert list(path.parent.iterdir()) == [path]


def test_write_atomic_keeps_the_old_file_when_it_cannot_write(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomic(path, "old")
    (tmp_path / f".file.{os.getpid()}.part").mkdir()  # in the way of the new one
    with pytest.raises(IsADirectoryError):
        write_atomic(path, "new")
    assert path.read_text() == "old"


def test_messages() -> None:
    assert str(BadInput("a\n  b", source="f", key="k")) == "f: k: a b"
    assert str(BadInput("a", key="k").located(source="f", key="other")) == "f: k: a"
    assert (
        BadInput.unknown("key", "ab", ["zz", "abc"]).sentence
        == "unknown key 'ab'; did you mean 'abc'? (allowed: abc, zz)"
    )
    assert BadInput.unknown("key", "ab", []).sentence == "unknown key 'ab' (allowed: none)"
    assert BadInput.unknown("key", "ab", []).at(more=", here").sentence == "unknown key 'ab' (allowed: none), here"
    both = BadInput("odd", found="3", allowed="2", key="k").at(more=" (at\nx=1)").at(source="f", more="; quoted")
    assert str(both) == "f: k: found 3: odd; allowed: 2 (at x=1); quoted"
    assert (both.problem, both.allowed, both.code) == ("odd", "2", "not_allowed")
    assert str(pickle.loads(pickle.dumps(both)).located(source="g")) == str(both)
    assert [shown(value) for value in (None, True, False, 1, "a")] == ["null", "true", "false", "1", "'a'"]

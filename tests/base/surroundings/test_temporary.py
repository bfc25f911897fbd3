"""Where a Ray of one's own keeps its sockets: what serves, and what is taken instead of what does not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ray._private.utils import validate_socket_filepath

from sparsetune.base.errors import BadInput
from sparsetune.base.surroundings import temporary as module
from sparsetune.base.surroundings.temporary import LONGEST, temporary, why_it_cannot_serve


@pytest.fixture
def usual(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What stands in for /tmp; any folder of a test is longer than sockets allow."""
    monkeypatch.setattr(module, "LONGEST", 1000)
    folder = tmp_path_factory.mktemp("usual")
    monkeypatch.setattr(module, "_USUAL", (folder,))
    return folder


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1, max_size=120))
def test_a_folder_serves_just_if_its_sockets_can_be_made(name: str) -> None:
    """Ray checks the path of the socket, in bytes, before it starts anything."""
    folder = Path("/", name)
    fits = True
    try:
        validate_socket_filepath(f"{folder}/ray/session_2026-12-31_23-59-59_999999_4194303/sockets/plasma_store")
    except OSError:
        fits = False
    assert ("too long" not in why_it_cannot_serve(folder, made=False)) is fits


def told(text: str, here: Path, value: str) -> str:
    return text.replace("HERE", str(here)).replace("LONG", str(len(os.fsencode(value))))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a file, and one in which Ray's folder is none; what is relative is in it."""
    (tmp_path / "file").touch()
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "ray").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["RAY_TMPDIR", "TMPDIR"])
@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("HERE/file", "HERE/file is no folder"),
        ("HERE/" + "x" * 1000, "a path of LONG bytes is too long for sockets, which allow 1000"),
        ("HERE/" + "é" * 500, "a path of LONG bytes is too long for sockets, which allow 1000"),
        ("HERE/others", "HERE/others/ray is no folder"),
        ("/dev/null", "/dev/null is no folder"),
        ("nowhere", "HERE/nowhere is not there"),
        ("~/tmp", "HERE/~/tmp is not there"),
        ("  ", "HERE/   is not there"),
    ],
)
def test_what_cannot_serve_is_passed_over(name: str, value: str, why: str, usual: Path, here: Path) -> None:
    value = value.replace("HERE", str(here))
    expected = f"{name}: {told(why, here, value)}; Ray's files go to {usual}"
    assert temporary({name: value}) == (usual, expected)
    assert sorted(path.name for path in here.iterdir()) == ["file", "others"], "looked at, not made"


@pytest.mark.parametrize("value", ["/nonexistent", "/nonexistent/deep", "HERE/nowhere", "HERE/file/below"])
def test_a_temporary_folder_that_is_not_there_is_not_made(value: str, usual: Path, here: Path) -> None:
    value = value.replace("HERE", str(here))
    assert temporary({"TMPDIR": value}) == (usual, f"TMPDIR: {value} is not there; Ray's files go to {usual}")


def test_a_folder_named_for_ray_is_made_by_ray(usual: Path, here: Path) -> None:
    assert temporary({"RAY_TMPDIR": f"{here}/new/ray"}) == (here / "new" / "ray", "")
    folder, remark = temporary({"RAY_TMPDIR": f"{here}/file/below"})
    assert (folder, remark.partition(";")[0]) == (usual, f"RAY_TMPDIR: {here}/file is no folder")


def test_what_is_not_set_or_empty_says_nothing(usual: Path) -> None:
    for environ in ({}, {"TMPDIR": ""}, {"RAY_TMPDIR": "", "TMPDIR": ""}):
        assert temporary(environ) == (usual, "")


def test_ray_looks_at_its_own_variable_first(usual: Path, here: Path) -> None:
    (here / "a").mkdir()
    (here / "b").mkdir()
    assert temporary({"RAY_TMPDIR": f"{here}/a", "TMPDIR": f"{here}/b"}) == (here / "a", "")
    folder, remark = temporary({"RAY_TMPDIR": f"{here}/file", "TMPDIR": f"{here}/b"})
    assert (folder, remark) == (here / "b", f"RAY_TMPDIR: {here}/file is no folder; Ray's files go to {here}/b")
    _, remark = temporary({"RAY_TMPDIR": f"{here}/file", "TMPDIR": "none"})
    assert remark == (
        f"RAY_TMPDIR: {here}/file is no folder, TMPDIR: {here}/none is not there; Ray's files go to {usual}"
    )


def test_where_the_usual_ones_are_anothers_a_private_one_is_taken(
    usual: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (usual / "ray").touch()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert temporary({}) == (tmp_path / f"sparsetune-{os.getuid()}", "")


def test_where_none_serves_it_is_one_line(usual: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST", 5)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(BadInput, match=r"^RAY_TMPDIR: TMPDIR: a path of 7 bytes .* of at most 5 bytes$"):
        temporary({"TMPDIR": "/123456"})


def test_the_longest_that_is_allowed_is_worth_naming() -> None:
    assert 30 < LONGEST < 60

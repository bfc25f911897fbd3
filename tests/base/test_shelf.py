"""A folder with a size limit: what goes first, and what is there at once."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparsetune.base.shelf import GB, Shelf


def filled(folder: Path, *files: tuple[int, float], limit: int = 100) -> Shelf:
    """Files of so many bytes, used so many seconds after the epoch, called by their numbers."""
    shelf = Shelf(folder, limit)
    for number, (nbytes, used) in enumerate(files):
        shelf.place(str(number)).write_bytes(b"x" * nbytes)
        os.utime(shelf.place(str(number)), (used, used))
    return shelf


def names(shelf: Shelf) -> list[str]:
    return [item.path.stem for item in shelf.items()]


def test_those_that_nobody_has_used_for_longest_go_first(tmp_path: Path) -> None:
    """40 + 30 + 20 bytes, and 25 more are to come: the 40 of second 5 go, which leaves 75."""
    shelf = filled(tmp_path, (30, 10), (40, 5), (20, 20))
    assert names(shelf) == ["1", "0", "2"]
    shelf.make_room(25)
    assert names(shelf) == ["0", "2"]
    shelf.use("0")
    shelf.make_room(51)
    assert names(shelf) == ["0"], "it has been used last"
    shelf.make_room(70)
    assert names(shelf) == ["0"], "70 beside 30 are just the limit"
    assert shelf.make_room(71)
    assert names(shelf) == []


def test_what_is_larger_than_the_limit_moves_nothing(tmp_path: Path) -> None:
    shelf = filled(tmp_path, (30, 10))
    assert not shelf.make_room(101)
    assert names(shelf) == ["0"]


@pytest.mark.parametrize(("free", "left"), [(71, ["0", "1"]), (70, ["1"]), (41, ["1"]), (40, []), (11, []), (10, None)])
def test_the_last_gigabyte_of_a_disk_is_not_ours(
    free: int, left: list[str] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """71 bytes are to come beside 30 + 30, where the disk has a gigabyte and so many bytes free."""
    shelf = filled(tmp_path, (30, 1), (30, 2), limit=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(free + GB))
    assert shelf.make_room(71) == (left is not None)
    assert names(shelf) == (["0", "1"] if left is None else left)


class Usage(NamedTuple):
    free: int


def test_what_is_not_there(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "none")
    assert shelf.items() == []
    assert not shelf.make_room(10**12)
    assert shelf.make_room(100)
    with pytest.raises(FileNotFoundError):
        shelf.use("0")
    assert not shelf.folder.exists()


def test_unused_for_so_long(tmp_path: Path) -> None:
    shelf = filled(tmp_path, (1, 1000))
    shelf.place("new").write_bytes(b"")
    assert [item.path.stem for item in shelf.unused_for(3600)] == ["0"]
    assert len(shelf.unused_for(0)) == 2


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 10**6)), max_size=6, unique_by=lambda file: file[1]),
    st.integers(0, 120),
    st.integers(0, 150),
)
def test_room_is_made_with_as_few_as_possible(files: list[tuple[int, int]], limit: int, wanted: int) -> None:
    with TemporaryDirectory() as folder:
        shelf = filled(Path(folder), *files, limit=limit)
        before = shelf.items()
        assert shelf.make_room(wanted) == (wanted <= limit)
        after = shelf.items()
        assert after == before[len(before) - len(after) :], "the oldest have gone"
        assert wanted > limit or sum(item.nbytes for item in after) + wanted <= limit
        gone = before[: len(before) - len(after)]
        assert not (gone and wanted > limit)
        if gone:
            assert sum(item.nbytes for item in (gone[-1], *after)) + wanted > limit, "no more than had to"

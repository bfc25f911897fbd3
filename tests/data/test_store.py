"""The store of decoded arrays: whole or not there, made once, shared, removable."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sparsetune.base.errors import BadInput
from sparsetune.base.paths import CACHE
from sparsetune.data import store
from sparsetune.data.locked import locked
from sparsetune.data.maker import META, Maker

KEY = {"files": "abc", "resize": None}
IMAGES = np.random.default_rng(0).integers(0, 256, (10, 3, 4, 5), np.uint8)
LABELS = np.arange(10)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    return tmp_path / "cache" / "data"


def make(maker: Maker) -> Mapping[str, Any]:
    rows = maker.rows("images", IMAGES.shape[1:], np.uint8, expected=99)  # more than come
    rows.append(IMAGES[:7])
    rows.append(IMAGES[7:])
    rows.complete()
    maker.put("labels", LABELS)
    maker.empty("more", (2, 3), np.float32)[:] = 1.5
    return {"samples": 10}


def never(maker: Maker) -> Mapping[str, Any]:
    raise AssertionError("made twice")


def test_what_was_stored_comes_back() -> None:
    assert store.find("set", KEY) is None
    made = store.get("set", KEY, make)
    for entry in (made, store.get("set", KEY, never), store.find("set", KEY)):
        assert entry is not None
        np.testing.assert_array_equal(entry.array("images"), IMAGES)
        np.testing.assert_array_equal(entry.array("labels"), LABELS)
        assert entry.array("more").tolist() == [[1.5] * 3] * 2
        assert entry.meta["samples"] == 10
        assert entry.nbytes == sum(path.stat().st_size for path in entry.folder.glob("*.npy"))
    assert np.load(made.folder / "images.npy").shape == IMAGES.shape  # as NumPy alone reads it
    assert (made.folder / "images.npy").stat().st_size == 128 + IMAGES.nbytes


def test_another_key_is_another_entry() -> None:
    store.get("set", KEY, make)
    assert store.find("set", {**KEY, "resize": 8}) is None
    assert store.find("other", KEY) is None


def test_mapped_values_can_be_changed_but_not_the_file() -> None:
    entry = store.get("set", KEY, make)
    entry.array("images")[:] = 0
    np.testing.assert_array_equal(entry.array("images"), IMAGES)


def test_the_digest_is_that_of_the_content(cache: Path) -> None:
    def same(maker: Maker) -> Mapping[str, Any]:
        maker.empty("images", IMAGES.shape, np.uint8)[:] = IMAGES
        return {}

    def other(maker: Maker) -> Mapping[str, Any]:
        maker.put("images", IMAGES.reshape(10, 3, 5, 4))
        return {}

    def put(maker: Maker) -> Mapping[str, Any]:
        maker.put("images", IMAGES)
        return {"samples": 1}

    digests = [store.get(str(each), KEY, each).meta["digest"] for each in (same, put, other)]
    line = f"images |u1 (10, 3, 4, 5) {hashlib.sha256(IMAGES.tobytes()).hexdigest()}"
    assert digests[0] == digests[1] == hashlib.sha256(line.encode()).hexdigest()
    assert digests[2] != digests[0]


@pytest.mark.parametrize("damage", ["cut", "gone", "no meta", "strange meta"])
def test_a_damaged_entry_is_made_again(damage: str) -> None:
    entry = store.get("set", KEY, make)
    if damage == "cut":
        os.truncate(entry.folder / "images.npy", 100)
    elif damage == "gone":
        (entry.folder / "labels.npy").unlink()
    elif damage == "no meta":
        (entry.folder / META).unlink()
    else:
        (entry.folder / META).write_text(json.dumps({"bytes": 3}))
    assert store.find("set", KEY) is None
    np.testing.assert_array_equal(store.get("set", KEY, make).array("images"), IMAGES)


@pytest.mark.parametrize("error", [BadInput("no"), KeyboardInterrupt(), ValueError("no")])
def test_nothing_is_left_of_what_failed(error: BaseException, cache: Path) -> None:
    def fails(maker: Maker) -> Mapping[str, Any]:
        maker.put("labels", LABELS)
        raise error

    with pytest.raises(type(error)):
        store.get("set", KEY, fails)
    assert list(cache.iterdir()) == []


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(CACHE, str(tmp_path / "file" / "cache"))
    with pytest.raises(BadInput, match="nothing can be written there: Not a directory"):
        store.get("set", KEY, make)


def test_a_lock_that_cannot_be_had(cache: Path) -> None:
    """Such as one of another user, whose files nobody else may open."""
    folder = store.get("set", KEY, make).folder
    shutil.rmtree(folder)
    folder.with_name(f"{folder.name}.lock").mkdir()
    with pytest.raises(BadInput, match="cannot keep decoded data there: Is a directory") as caught:
        store.get("set", KEY, make)
    assert str(caught.value).startswith(f"{cache}: ")


def test_entries_and_their_removal(cache: Path) -> None:
    one, two = store.get("set", KEY, make), store.get("other", KEY, make)
    os.utime(one.folder / META, (1000, 1000))
    assert [(entry.meta["label"], entry.nbytes) for entry in store.everything()] == [
        ("other", two.nbytes),
        ("set", one.nbytes),
    ]
    assert store.everything()[1].last_used == 1000
    store.get("set", KEY, never)
    assert store.everything()[1].last_used > 1000
    images = one.array("images")
    store.remove(one)
    store.remove(one)  # as if two did it at once
    assert [entry.meta["label"] for entry in store.everything()] == ["other"]
    np.testing.assert_array_equal(images, IMAGES)  # whoever has it mapped keeps it
    two.folder.rename(two.folder.with_name(f"{two.folder.name}.part"))  # as if it were still being made
    assert store.everything() == []
    store.sweep()
    assert list(cache.iterdir()) == []


def script(body: str) -> list[str]:
    """A process that gets the entry; ``body`` is what its ``make`` does first."""
    return [
        sys.executable,
        "-c",
        f"""
import os, signal, sys
from pathlib import Path
import numpy as np
from sparsetune.data import store
place = Path(sys.argv[1])
def make(maker):
    maker.put("labels", np.arange(10))
    with (place / "made").open("a") as file:
        file.write("x")
    {body}
    return {{}}
(place / sys.argv[2]).touch()
print(store.get("set", {KEY!r}, make).array("labels").sum())
""",
    ]


def test_of_two_processes_one_makes_it(tmp_path: Path, cache: Path) -> None:
    """The first to make it does not end before the other has begun."""
    body = "while not ((place / 'a').exists() and (place / 'b').exists()): pass"
    both = [
        subprocess.Popen([*script(body), str(tmp_path), name], stdout=subprocess.PIPE, text=True) for name in ("a", "b")
    ]
    assert [process.communicate()[0] for process in both] == ["45\n", "45\n"]
    assert (tmp_path / "made").read_text() == "x"
    assert list(cache.iterdir()) == [entry.folder for entry in store.everything()]


def test_who_waits_is_told(cache: Path) -> None:
    folder = store.get("set", KEY, make).folder
    store.remove(store.everything()[0])
    told: list[str] = []
    with ExitStack() as other:
        other.enter_context(locked(folder.with_name(f"{folder.name}.lock")))

        def waits() -> None:
            told.append("waits")
            other.close()  # else it would wait for ever

        store.get("set", KEY, make, waits)
    store.get("set", KEY, never, waits)
    assert told == ["waits"]


def test_what_a_killed_process_leaves_is_not_taken_and_goes(tmp_path: Path, cache: Path) -> None:
    died = subprocess.run([*script("os.kill(os.getpid(), signal.SIGKILL)"), str(tmp_path), "a"])
    assert died.returncode == -9
    assert any(path.suffix == ".part" for path in cache.iterdir())
    assert store.find("set", KEY) is None
    assert store.everything() == []
    store.get("other", KEY, make)  # whichever data set comes next clears up
    assert [path.name.split(".")[0] for path in cache.iterdir()] == ["other"]
    assert store.get("set", KEY, make).array("labels").sum() == 45


def test_what_is_being_made_is_not_swept(cache: Path) -> None:
    def slow(maker: Maker) -> Mapping[str, Any]:
        maker.put("labels", LABELS)
        assert store.sweep() == 0
        store.get("other", KEY, make)
        return {}

    assert store.get("set", KEY, slow).array("labels").sum() == 45


def test_a_lock_is_held_once_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    with locked(path) as waiting, locked(path, wait=False) as held:
        assert (waiting, held) == (True, False)
    with locked(path, wait=False) as held:
        assert held
    assert list(tmp_path.iterdir()) == []

"""Decoding that is interrupted: by a kill, by a disk that is full, by another process that wants the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers.pictures import write_pictures

from sparsetune.base.paths import CACHE
from sparsetune.data import store
from sparsetune.data.folder import Folder, FolderConfig

SCRIPT = """
import os, signal, sys
from pathlib import Path
from sparsetune.data.folder import Folder, FolderConfig
images, place, name, what = sys.argv[1:]
place = Path(place)
def progress(done, of):
    if not of:
        return  # it waits for the other one
    with (place / "decoded").open("a") as file:
        file.write(f"{done} ")
    if done < of and what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    while what == "wait" and not ((place / "a").exists() and (place / "b").exists()):
        pass
(place / name).touch()
config = FolderConfig(train_dir=images)
Folder.prepare(config, progress)
print(Folder.load(config).digest)
"""


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    return write_pictures(tmp_path / "images", {"cat": 40, "dog": 40}, 16, 16)


def start(images: Path, name: str, what: str) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", SCRIPT, str(images), str(images.parent), name, what]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_of_two_processes_one_decodes(images: Path) -> None:
    """Neither ends before both have begun."""
    both = [start(images, name, "wait") for name in ("a", "b")]
    said = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert said[0] == said[1] != ""
    assert (images.parent / "decoded").read_text() == "32 64 80 "


@pytest.mark.slow
def test_a_kill_in_the_middle_leaves_nothing_that_is_taken_for_whole(images: Path) -> None:
    process = start(images, "a", "die")
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    config = FolderConfig(train_dir=str(images))
    assert Folder.outline(config) is None
    assert store.everything() == []
    left = list((images.parent / "cache" / "data").iterdir())
    assert sorted(path.suffix for path in left) == [".lock", ".part"]
    Folder.prepare(config, lambda done, of: None)
    assert [len(split) for split in Folder.load(config).splits] == [56, 8, 16]
    assert list((images.parent / "cache" / "data").iterdir()) == [store.everything()[0].folder]


@pytest.mark.slow
def test_a_full_disk_is_one_line_and_leaves_nothing(images: Path, mount: Callable[[Path, str], None]) -> None:
    cache = images.parent / "cache"
    mount(cache, "size=32k")  # 80 images of 16 x 16 are 61 kB
    project = images.parent / "project"
    (project / "search_spaces").mkdir(parents=True)
    words = ["data", "check", "folder", "--set", f"train_dir={images}", "--root", str(project)]
    done = subprocess.run([sys.executable, "-m", "sparsetune", *words], capture_output=True, text=True)
    assert done.returncode == 74
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "no space left" in done.stderr
    assert list((cache / "data").iterdir()) == []
    assert os.statvfs(cache).f_bfree > 0


@pytest.mark.parametrize("way", ["rows", "empty", "put"])
def test_a_full_disk_is_known_before_much_is_written(
    way: str, tmp_path: Path, mount: Callable[[Path, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    mount(tmp_path / "cache", "size=1m")
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))

    def make(maker: store.Maker) -> dict[str, int]:
        maker.put("labels", np.zeros(100))
        if way == "rows":
            maker.rows("images", (1000,), np.uint8, expected=2_000)
        elif way == "empty":
            maker.empty("images", (2_000, 1_000), np.uint8)
        else:
            maker.put("images", np.zeros((2_000, 1_000), np.uint8))
        raise AssertionError("it found room")

    with pytest.raises(OSError, match="No space left on device"):
        store.get("set", {}, make)
    assert list((tmp_path / "cache" / "data").iterdir()) == []

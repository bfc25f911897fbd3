"""A study that was cut short, or whose disk takes no more, in a project that was copied meanwhile."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sparsetune.testing.studies import assert_same, finish, start, write_study


@pytest.mark.slow
@pytest.mark.parametrize("failpoint", ["after-checkpoint:3", "before-mlflow-end:1"])
def test_a_copy_of_a_study_that_was_cut_short(failpoint: str, tmp_path: Path, reference: Path) -> None:
    """Copy and original go on apart, each to the end that one without a fault has."""
    original, copy = tmp_path / "w?", tmp_path / "50% #1 {a}"
    file = write_study(original)
    start(file, "--in-process", failpoint=failpoint).communicate()
    shutil.copytree(original, copy)
    held = {path: path.read_bytes() for path in original.rglob("*") if path.is_file()}
    finish(copy / file.relative_to(original), "--in-process")
    assert {path: path.read_bytes() for path in original.rglob("*") if path.is_file()} == held
    finish(file, "--in-process")
    for root in (original, copy):
        assert_same(root, reference)


@pytest.mark.slow
def test_a_project_that_was_moved_to_a_read_only_disk_is_read(
    tmp_path: Path, mount: Callable[[Path, str], None], reference: Path
) -> None:
    disk = tmp_path / "disk"
    mount(disk, "size=64m")
    shutil.copytree(reference, disk / "w?")
    mount(disk, "remount,ro")
    for words in (["status"], ["best", "small", "--trial", "0"], ["export", "small"], ["doctor"]):
        command = [sys.executable, "-m", "sparsetune", *words, "--root", str(disk / "w?")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == (words == ["doctor"]), done.stderr
    said = " ".join(done.stdout.split())  # wrapped or not
    assert "places of files are where the project lay before" in said

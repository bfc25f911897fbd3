"""Places that take no more: a pipe whose reader left, no terminal, a read-only or full disk; and two starts at once."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from sparsetune.testing.studies import assert_same, command, finish, start, stored_trials, write_study

Mount = Callable[[Path, str], None]
FULL = 74


def run(file: Path, *options: str, **how: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(file, *options), text=True, stdin=subprocess.DEVNULL, **how)  # type: ignore[call-overload, no-any-return]


@pytest.mark.slow
def test_a_pipe_whose_reader_left_does_not_end_the_study(tmp_path: Path, reference: Path) -> None:
    """Both ways out are closed after the first line: whoever watched has gone home."""
    reader, writer = os.pipe()
    process = subprocess.Popen(command(write_study(tmp_path), "--in-process"), stdout=writer, stderr=writer)
    os.close(writer)
    os.read(reader, 1)
    os.close(reader)
    assert process.wait() in (0, 141)
    assert_same(tmp_path, reference)


@pytest.mark.slow
def test_without_a_terminal_there_are_plain_lines(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in ("TERM", "COLUMNS", "LINES")}
    done = run(write_study(tmp_path), "--in-process", env=environment, capture_output=True, start_new_session=True)
    assert done.returncode == 0
    assert "[5/5] trial 4 COMPLETE" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert "\r" not in done.stdout + done.stderr


@pytest.mark.slow
def test_a_read_only_mlruns_is_refused(tmp_path: Path, mount: Mount, reference: Path) -> None:
    """A fresh one, and one with a study in it, which goes on once it can be written to."""
    file = write_study(tmp_path)
    mlruns = tmp_path / "mlruns"
    mount(mlruns, "ro,size=64m")
    fresh = run(file, "--in-process", capture_output=True)
    assert fresh.returncode == 2
    assert fresh.stderr.strip() == (
        f"error: {mlruns / 'mlflow.db'}: cannot be made: nothing can be written in {mlruns}: Read-only file system"
    )
    remount(mlruns, "rw")
    finish(file, "--in-process", "--trials", "2")
    remount(mlruns, "ro")
    later = run(file, "--in-process", capture_output=True)
    assert later.returncode == 2
    assert len(later.stderr.strip().splitlines()) == 1
    assert "Read-only file system" in later.stderr
    remount(mlruns, "rw")
    finish(file, "--in-process")
    assert_same(tmp_path, reference)


def remount(folder: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(folder)], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("options", [("--in-process",), ("--workers", "1")], ids=["in_process", "ray"])
def test_a_full_disk_loses_nothing(options: tuple[str, ...], tmp_path: Path, mount: Mount, reference: Path) -> None:
    file = write_study(tmp_path)
    mount(tmp_path / "mlruns", "size=64m")
    process = start(file, *options)
    assert process.stdout is not None
    while "[2/5]" not in process.stdout.readline():
        assert process.poll() is None
    fill(tmp_path / "mlruns" / "filler")
    said, _ = process.communicate()
    assert process.returncode == FULL, said
    assert "no space left" in said
    assert "Traceback" not in said
    (tmp_path / "mlruns" / "filler").unlink()
    finish(file, *options)
    assert_same(tmp_path, reference)


def fill(file: Path) -> None:
    """Write until nothing more fits."""
    with file.open("wb", buffering=0) as open_file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while open_file.write(b"x" * size):
                    pass
            except OSError:
                continue


@pytest.mark.slow
def test_a_disk_that_is_full_from_the_start(tmp_path: Path, mount: Mount) -> None:
    file = write_study(tmp_path)
    mount(tmp_path / "mlruns", "size=64k")
    done = run(file, "--in-process", capture_output=True)
    assert done.returncode in (2, FULL)
    assert "Traceback" not in done.stderr
    assert "disk is full" in done.stderr or "no space left" in done.stderr


@pytest.mark.slow
def test_two_starts_at_once_in_a_fresh_project(tmp_path: Path, reference: Path) -> None:
    """One runs, the other says so: neither finds half of a database, and no trial is run twice."""
    file = write_study(tmp_path)
    both = [start(file, "--in-process") for _ in range(2)]
    said = [process.communicate()[0] for process in both]
    codes = [process.returncode for process in both]
    assert sorted(codes) == [0, 2], said
    loser = said[codes.index(2)]
    assert "is being run by process" in loser
    assert len(loser.strip().splitlines()) == 1
    assert_same(tmp_path, reference)
    assert len(stored_trials(tmp_path)) == 5

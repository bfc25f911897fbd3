"""Commands whose stdout is closed, full, or read by nobody: real pipes and devices, in processes of their own."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from sparsetune.cli.stdout import NO_ROOM, READER_LEFT

SPARSETUNE = (sys.executable, "-m", "sparsetune")
FULL = Path("/dev/full")
LISTINGS = [["--help"], ["study", "--help"], ["--version"], ["metrics"], ["spaces"]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "search_spaces").mkdir()
    return tmp_path


def run(words: Sequence[str], stdout: int, folder: Path) -> tuple[int, str]:
    """The exit code, and what was said on stderr."""
    command = [*SPARSETUNE, *words]
    done = subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, cwd=folder, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize("words", LISTINGS, ids=" ".join)
def test_a_reader_that_has_left(words: list[str], project: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        assert run(words, writer, project) == (READER_LEFT, "")
    finally:
        os.close(writer)


def test_a_reader_that_leaves_after_a_line(project: Path) -> None:
    """More than a pipe holds: the command meets the closed end while it prints."""
    much = "@app.command()\ndef much():\n    [print('x' * 99) for _ in range(9999)]"
    code = f"from sparsetune.cli import app, main\n{much}\nmain()"
    command = [sys.executable, "-c", code, "much"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=project) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"x" * 99 + b"\n"
        process.stdout.close()
        assert (process.wait(60), process.stderr.read()) == (READER_LEFT, b"")


@pytest.mark.skipif(not FULL.exists(), reason="no such device here")
@pytest.mark.parametrize("words", LISTINGS, ids=" ".join)
def test_a_full_disk(words: list[str], project: Path) -> None:
    with FULL.open("wb") as full:
        code, said = run(words, full.fileno(), project)
    assert (code, said.startswith("error: no space left"), len(said.splitlines())) == (NO_ROOM, True, 1), said


def test_a_command_that_failed_keeps_its_code(project: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    code, said = run(["methods", "nothing"], writer, project)
    os.close(writer)
    assert (code, said.startswith("error: unknown method 'nothing'")) == (2, True)


def test_no_stdout_at_all(project: Path) -> None:
    done = subprocess.run(
        f"{shlex.quote(sys.executable)} -m sparsetune metrics >&-", shell=True, cwd=project, capture_output=True
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_pipe_that_breaks_elsewhere_is_a_fault(project: Path) -> None:
    code = "from sparsetune.cli.app import app, guarded\nfrom sparsetune.cli import main\n@app.command()\n@guarded\n"
    code += "def talk():\n    raise BrokenPipeError('a server hung up')\nmain()"
    done = subprocess.run([sys.executable, "-c", code, "talk"], capture_output=True, text=True, check=False)
    assert (done.returncode, "a server hung up" in done.stderr) == (70, True)

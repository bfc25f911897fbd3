"""A stream that cannot fail, on streams that do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from sparsetune.live.output import Unbreakable, unbreakable


def test_it_writes_through(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as file:
        stream = unbreakable(file)
        assert stream.write("abc") == 3
        stream.flush()
        assert not stream.isatty()
        assert stream.encoding == file.encoding
        assert unbreakable(stream) is stream
    assert (tmp_path / "log").read_text() == "abc"


def test_a_closed_file_is_silent(tmp_path: Path) -> None:
    file = (tmp_path / "log").open("w")
    file.close()
    stream = Unbreakable(file)
    stream.write("abc")
    stream.flush()
    assert not stream.isatty()


def test_a_pipe_without_a_reader_is_silent_for_rich_too() -> None:
    """Rich answers a broken pipe with SystemExit, which would end a study."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as file:
        console = Console(file=unbreakable(file))
        for _ in range(3):
            console.print("abc")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="wants /dev/full")
def test_a_full_disk_is_silent() -> None:
    with Path("/dev/full").open("w") as file:
        stream = Unbreakable(file)
        for _ in range(3):
            stream.write("x" * 100_000)
            stream.flush()


def test_the_exit_code_stays_that_of_the_program() -> None:
    """Python flushes its streams at exit, and makes a failure of that its own exit code."""
    code = """
import sys
from sparsetune.live.output import unbreakable
stream = unbreakable(sys.stderr)
for _ in range(3):
    stream.write("x" * 100_000)
    stream.flush()
sys.stderr.write("more")
sys.exit(7)
"""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as file:
        assert subprocess.run([sys.executable, "-c", code], stderr=file, check=False, timeout=60).returncode == 7

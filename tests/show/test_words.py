"""A command that is proposed can be pasted into the shell that the reader is in."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from sparsetune.show.words import command_line


def test_by_its_name_where_the_shell_finds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "sparsetune"
    program.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert command_line("status", "a study") == "sparsetune status 'a study'"


@pytest.mark.parametrize("started", ["-c", "/elsewhere/pytest", "/elsewhere/sparsetune/__main__.py"])
def test_with_its_path_where_the_shell_does_not(started: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", [started])
    said = subprocess.run(shlex.split(command_line("--version")), capture_output=True, text=True, check=True)
    assert said.stdout.startswith("sparsetune ")


def test_through_python_where_no_script_was_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.chdir(tmp_path)
    assert command_line("status") == "./python -m sparsetune status"

"""`spaces`: what may vary, and which file says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sparsetune.cli import app

FILES = {
    "gains": "# The gains\n# of the controller.\nmethod.kp: {float: [0.001, 1.0], log: true}\n",
    "all": (
        "include: [gains]\n"
        "training.optimizer: {choice: [sgd, adam]}\n"
        "training.momentum: {float: [0.5, 0.9], step: 0.1, when: {training.optimizer: sgd}}\n"
    ),
}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COLUMNS", "120")
    (tmp_path / "search_spaces").mkdir()
    for name, text in FILES.items():
        (tmp_path / "search_spaces" / f"{name}.yaml").write_text(text)
    return tmp_path


def spaces(root: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["spaces", *words, "--root", str(root)])


def rows(result: Result) -> list[list[str]]:
    """The cells of a table, which stand two blanks apart or more."""
    assert result.exit_code == 0, result.output
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in result.stdout.splitlines()]


def test_all(root: Path) -> None:
    head, *found = rows(spaces(root))
    assert head == ["space", "parameters", "includes", "what it is"]
    assert found == [["all", "3", "gains"], ["gains", "1", "The gains of the controller."]]


def test_one_in_full_with_what_it_includes(root: Path) -> None:
    found = rows(spaces(root, "all"))
    assert ["method.kp", "0.001 to 1, log scale", "gains.yaml"] in found
    assert ["training.optimizer", "sgd or adam", "all.yaml"] in found
    momentum = ["training.momentum", "0.5 to 0.9 in steps of 0.1, if training.optimizer is sgd", "all.yaml"]
    assert momentum in found
    assert spaces(root, "search_spaces/all.yaml").stdout == spaces(root, "all").stdout


def test_one_that_is_broken_hides_no_other(root: Path) -> None:
    (root / "search_spaces" / "bad.yaml").write_text("method.kp: {float: [2, 1]}\n")
    (root / "search_spaces" / "empty.yaml").touch()
    said = spaces(root).stdout
    assert "allowed: the lower end first" in " ".join(said.split())
    assert "gains" in said
    one = spaces(root, "bad")
    assert (one.exit_code, len(one.stderr.splitlines())) == (2, 1)


def test_one_that_is_not_there(root: Path) -> None:
    result = spaces(root, "gain")
    assert result.exit_code == 2
    assert "unknown search space 'gain'; did you mean 'gains'? (allowed: all, gains)" in result.stderr


def test_none_yet(tmp_path: Path) -> None:
    (tmp_path / "search_spaces").mkdir()
    assert "no search space yet" in spaces(tmp_path).stdout
    (tmp_path / "search_spaces").rmdir()
    assert spaces(tmp_path).exit_code == 2

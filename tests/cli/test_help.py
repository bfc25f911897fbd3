"""Help that teaches: examples that can be pasted at 80 columns, groups, and no types beside flags."""

from __future__ import annotations

import re

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from sparsetune.cli import app

TOP = get_command(app).commands  # type: ignore[attr-defined]
GROUPS = {name: list(each.commands) for name, each in TOP.items() if hasattr(each, "commands")}
COMMANDS = [*TOP, *(f"{group} {name}" for group, names in GROUPS.items() for name in names)]


def shown(*words: str) -> str:
    result = CliRunner(env={"COLUMNS": "80", "TERMINAL_WIDTH": ""}).invoke(app, list(words))
    assert result.exit_code == (0 if words else 2)
    return result.output


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_flags_have_no_type(command: str) -> None:
    assert "<bool>" not in shown(*command.split(), "--help")


def test_without_a_command_it_shows_how_to_start() -> None:
    assert shown().rstrip() == shown("--help").rstrip()
    assert "\n   sparsetune study studies/ast_pi.yaml" in shown()
    assert re.search(r"─ Project ─+╮\n│ init .*", shown())


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_examples_stand_whole_on_a_line_and_are_right(command: str) -> None:
    text = shown(*command.split(), "--help")
    lines = text[text.index("For example") :].splitlines()[1:]
    examples = [line.strip() for line in lines[: lines.index(" " * 80)]]
    assert 1 <= len(examples) <= 3
    called = [each.split() for line in examples for each in re.split("[;|]", line) if each.split()[0] == "sparsetune"]
    assert len(called) >= len(examples)
    paths = [words[1 : 3 if words[1] in GROUPS else 2] for words in called]
    assert not command or command in {" ".join(path[: len(command.split())]) for path in paths}
    for words, path in zip(called, paths, strict=True):
        options = [word for word in words if word.startswith("-")]
        assert all(option in shown(*path, "--help") for option in options), words


def test_groups() -> None:
    tickets = ["list", "show", "eval", "transfer"]
    assert {"data": ["list", "check", "fetch", "clean"], "network": ["export"], "ticket": tickets} == GROUPS

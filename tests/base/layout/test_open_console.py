"""What goes to no terminal keeps its lines."""

from __future__ import annotations

import io
import os
import pty

import pytest

from sparsetune.base.layout.console import open_console

LINE = "a sentence of which there is more " * 20


@pytest.fixture(autouse=True)
def no_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)


def printed(file: io.StringIO) -> list[str]:
    open_console(file=file).print(LINE)
    return file.getvalue().splitlines()


def test_a_file_gets_a_line_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert printed(io.StringIO()) == [LINE]
    monkeypatch.setenv("FORCE_COLOR", "1")  # as in the logs of a build: colours, but no width
    assert printed(io.StringIO()) == [LINE]


def test_columns_are_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert max(map(len, printed(io.StringIO()))) <= 60
    monkeypatch.setenv("COLUMNS", "many")
    assert printed(io.StringIO()) == [LINE]


def test_a_terminal_is_as_wide_as_it_is() -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(ours), os.fdopen(theirs, "w") as file:
        assert open_console(file=file).width <= 200


def test_a_closed_file_is_no_terminal() -> None:
    file = io.StringIO()
    file.close()
    assert open_console(file=file).width > 10_000

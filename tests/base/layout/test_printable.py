"""What text of inputs looks like on a terminal."""

from __future__ import annotations

import io
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from sparsetune.base.errors import BadInput
from sparsetune.base.layout.console import Console
from sparsetune.base.layout.printable import printable, printable_lines
from sparsetune.base.layout.text import cut


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("a\nb", r"a\nb"),
        ("a\tb\r", r"a\tb\r"),
        ("\x9b31m", r"\x9b31m"),
        ("\x7f\x08\x0b\x0c\x00", r"\x7f\x08\x0b\x0c\x00"),
        (b"caf\xe9.png".decode("utf-8", "surrogateescape"), r"caf\xe9.png"),
        ("\ud800", r"\ud800"),
        ("gpj.\u202eevil", r"gpj.\u202eevil"),
        ("a\u2028b\x85c", r"a\u2028b\x85c"),
        ("\u2066x\u2069", r"\u2066x\u2069"),
    ],
)
def test_what_steers_is_shown_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert printable(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        r"a\x1b",
        "50% #1 {a}?",
        "ü ß 中文 العربية",
        "می\u200cخواهم",
        "👩\u200d💻",
        "non\u00a0breaking",
        "e\u0301",
        "a\u00adb",
    ],
)
def test_what_is_read_stays(text: str) -> None:
    assert printable(text) == printable_lines(text) == text


def test_lines_and_tabs_of_a_longer_text_stay() -> None:
    assert printable_lines("a\n\tb\x1bc\r\n") == "a\n\tb\\x1bc\\r\n"


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=[]), max_size=40))
def test_nothing_is_left_that_steers_or_cannot_be_written(text: str) -> None:
    for found in (printable(text), printable_lines(text).replace("\n", "").replace("\t", "")):
        found.encode()
        assert not any(unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp") for each in found)
    error = BadInput(text, source=text, key=text)
    assert len(str(error).splitlines()) <= 1
    assert printable(str(error)) == str(error)


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=[]), max_size=20))
def test_on_a_console_nothing_acts_however_it_is_printed(text: str) -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=200, color_system=None)
    table = Table(title=escape(text))
    table.add_column(escape(text) or "x")
    table.add_row(Text(text))
    for each in (escape(text), Text(text), table, cut(text, 50)):
        console.print(each, markup=not isinstance(each, str) or each == escape(text))
    said = file.getvalue().replace("\n", "")
    said.encode()
    assert not any(unicodedata.category(each) in ("Cc", "Cs") for each in said)


def test_the_consoles_own_colours_stay() -> None:
    file = io.StringIO()
    Console(file=file, force_terminal=True, color_system="standard").print(Text("a\x1b[2Jb", "red"))
    assert file.getvalue() == "\x1b[31ma\\x1b[2Jb\x1b[0m\n"

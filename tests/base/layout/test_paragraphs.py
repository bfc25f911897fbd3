"""Paragraphs broken anew."""

from __future__ import annotations

import inspect
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparsetune.base.layout.paragraphs import reflowed
from sparsetune.sparsity.methods import METHODS

CARD = """\
A head that is broken where
it was written.

Paper:   A. Author, A Title
         of two lines.
Idea:    short.

The rest, of
two lines.
- one
- two, of
  two lines

    as it stands
    here
"""


def test_by_hand() -> None:
    assert reflowed(CARD, 30).split("\n") == [
        "A head that is broken where it",
        "was written.",
        "",
        "Paper:   A. Author, A Title of",
        "         two lines.",
        "Idea:    short.",
        "",
        "The rest, of two lines.",
        "- one",
        "- two, of two lines",
        "",
        "    as it stands",
        "    here",
    ]


def test_a_title_with_a_colon_is_no_label() -> None:
    assert reflowed("A title: of two\nlines.", 20) == "A title: of two\nlines."
    assert reflowed("MNIST: 28x28 handwritten digits.", 22) == "MNIST: 28x28\nhandwritten digits."


def test_lines_are_never_longer_than_is_easy_to_read() -> None:
    assert max(map(len, reflowed("word " * 100, 500).split("\n"))) <= 120


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("name", METHODS.names())
def test_cards_of_methods_are_broken_once(name: str, width: int) -> None:
    """No word is lost, and no line is short where the next word had room."""
    card = inspect.getdoc(inspect.getmodule(METHODS.get(name))) or ""
    found = reflowed(card, width)
    assert found.split() == card.split()
    lines = found.split("\n")
    for line, after in pairwise(lines):
        if line and after and not re.match(r"[A-Z]\w*: |- ", after):
            assert len(line) + 1 + len(after.split()[0]) > min(width, 120)


@given(st.text(st.sampled_from("ab:-* \nAB"), max_size=60), st.integers(1, 30))
def test_no_word_is_lost_and_lines_fit(text: str, width: int) -> None:
    found = reflowed(text, width)
    assert found.split() == text.split()
    assert all(len(line) <= width or len(line.split()) <= 2 for line in found.split("\n"))

"""Values as short text."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from sparsetune.base.layout.text import (
    about,
    ago,
    bar,
    clock_time,
    cut,
    cut_front,
    duration,
    either,
    heading,
    listed,
    number,
    size,
)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"), (0.0149, "15 ms"), (0.1, "0.1 s"), (0.54, "0.54 s"), (9.94, "9.9 s"), (9.96, "10 s"), (99, "99 s"),
        (720, "12 min"), (5999, "100 min"), (6000, "1.7 h"), (3.4 * 3600, "3.4 h"), (60 * 3600, "60 h (2.5 days)"),
        (1e7, "2,778 h (116 days)"),
    ],
)  # fmt: skip
def test_a_duration_has_two_digits_and_a_unit(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "-"), (0, "about 5 s"), (7, "about 5 s"), (12, "about 10 s"), (44, "about 45 s"), (300, "about 5 min")],
)
def test_an_estimate_is_rounded(seconds: float | None, text: str) -> None:
    assert about(seconds) == text


def test_ago_is_never_in_the_future() -> None:
    assert [ago(seconds) for seconds in (-5, 0.2, 3.4, 720)] == ["1 s ago", "1 s ago", "3 s ago", "12 min ago"]


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (690, "690 B"), (999, "999 B"), (1000, "1 kB"), (404_000, "404 kB"), (4.7e6, "4.7 MB"),
     (14e9, "14 GB"), (3e15, "3 PB"), (5e18, "5,000 PB")],
)  # fmt: skip
def test_a_size_has_two_digits_and_a_unit(count: float, text: str) -> None:
    assert size(count) == text


def test_a_clock() -> None:
    assert [clock_time(seconds) for seconds in (-1, 7.9, 760, 11105)] == ["0:00", "0:07", "12:40", "3:05:05"]


def test_numbers_are_short() -> None:
    assert [number(value) for value in (0.123456, 3, None, "sgd", 1e-5)] == ["0.123", "3", "", "sgd", "1e-05"]
    assert number(0.123456, 4) == "0.1235"
    assert heading("val_accuracy") == "val accuracy"


@pytest.mark.parametrize("width", range(12))
def test_a_text_is_cut_to_a_line_of_the_width(width: int) -> None:
    for text in ("two\n lines of text", "日本語の長い名前です", "ab"):
        assert cell_len(cut(text, width)) <= width
    assert cut(" two \n words ", 20) == "two words"
    assert cut("twelve letters", 9) == "twelve..."


@pytest.mark.parametrize("width", range(12))
def test_of_a_path_the_end_stays(width: int) -> None:
    for text in ("/home/me/data/train", "日本語の長い名前です", "ab"):
        assert cell_len(cut_front(text, width)) <= width
    assert cut_front("/data/train", 11) == "/data/train"
    assert cut_front("/data/train", 9) == "... train".replace(" ", "/")
    assert cut_front("/data/train", 0) == ""


def test_a_list_names_the_first_and_counts_the_rest() -> None:
    assert listed([1, 2, 3], 3) == "1, 2, 3"
    assert listed([1, 2, 3, 4], 3) == "1, 2, 3 and 1 more"


def test_one_of_several() -> None:
    assert [either(items) for items in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a or b", "a, b or c"]


def test_a_bar_shows_its_fraction_by_shape() -> None:
    assert bar(0.5, 4, ascii_only=False) == "━━──"
    assert [bar(fraction, 4, ascii_only=True) for fraction in (-1, 0, 0.99, 1, 7)] == [
        "----", "----", "###-", "####", "####",
    ]  # fmt: skip

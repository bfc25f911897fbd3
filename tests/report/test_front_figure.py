"""The figure of a study's trade-offs, as it is drawn, and its methods as a table."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.compared import LOST, PAIR, ROWS, A, B, C, row
from rich.console import Console

from sparsetune.base.messages import Trial
from sparsetune.report.by_method import standings
from sparsetune.report.front_figure import draw_front, front_figure
from sparsetune.report.methods_table import in_words, methods_table
from sparsetune.report.paired import Interval, measured_at, said


def drawn(figure: Any) -> tuple[Any, list[str]]:
    (axes,) = figure.axes
    return axes, [text.get_text() for text in (*figure.texts, *figure.legends[0].get_texts())]


def test_a_line_a_method_with_intervals() -> None:
    figure = front_figure(ROWS, PAIR)
    assert figure is not None
    axes, words = drawn(figure)
    assert {"accuracy", "bits", "drr", "slt"} <= {*words}
    assert "rl1" not in words  # none of its rows may win
    points = [line.get_xydata() for line in axes.lines]
    assert points[1] == pytest.approx(np.array([[300.0, 0.98], [200.0, 0.92]]))
    assert points[3] == pytest.approx(np.array([[100.0, 0.95]]))
    colours = [line.get_color() for line in axes.lines]
    assert colours[0] == colours[1] != colours[2] == colours[3]
    whiskers = [
        segment for each in axes.collections if len(each.get_segments()) == 2 for segment in each.get_segments()
    ]
    half = measured_at(A, "accuracy").half or 0
    assert any(segment == pytest.approx(np.array([[300, 0.98 - half], [300, 0.98 + half]])) for segment in whiskers)


def test_scales() -> None:
    near = front_figure(ROWS, PAIR)
    far = front_figure([*ROWS, row(9, "dense", (0.99, 0.99, 0.99), 1e5)], PAIR)
    assert near is not None
    assert far is not None
    assert (near.axes[0].get_xscale(), far.axes[0].get_xscale()) == ("linear", "log")
    assert {"100", "10,000"} <= {*drawn(far)[1]}


def test_what_has_no_front_has_no_figure(tmp_path: Path) -> None:
    file = tmp_path / "front.png"
    assert not draw_front(file, ROWS, PAIR[:1])
    assert not draw_front(file, [LOST], PAIR)
    assert not file.exists()
    assert draw_front(file, ROWS, PAIR)
    assert file.read_bytes().startswith(b"\x89PNG")
    one = [row(0, "dense", (0.9,), 5.0)]
    assert draw_front(file, one, PAIR), "a point alone, of one seed"


def alone(rows: Iterable[Trial]) -> list[Trial]:
    """The rows of a study with the first objective alone."""
    return [replace(each, values=each.values[:1]) for each in rows]


def printed(*parts: Any) -> list[str]:
    console = Console(width=100, record=True, file=io.StringIO())
    for part in parts:
        console.print(part)
    return [line.rstrip() for line in console.export_text().splitlines()]


def test_a_table_of_the_methods() -> None:
    lines = printed(methods_table(standings(ROWS, PAIR), PAIR))
    assert lines[1].split() == ["method", "may", "win", "on", "the", "front", "best", "accuracy", "best", "bits"]
    assert lines[2].split() == ["drr", "2", "1", "0.980", "±", "0.050", "(0)", "200", "±", "0", "(2)"]
    assert lines[3].split() == ["slt", "1", "1", "0.950", "±", "0.043", "(1)", "100", "±", "0", "(1)"]
    assert lines[4].split() == ["rl1", "0", "0"]
    assert "on the front" not in printed(methods_table(standings(alone(ROWS), PAIR[:1]), PAIR[:1]))[1]


def test_what_seeds_can_tell() -> None:
    near = row(7, "pmmp", (0.99, 0.95, 0.97), 500.0)
    lines = [*in_words(standings([*ROWS, near], PAIR), PAIR)]
    assert lines == [
        "Behind drr in accuracy, seed by seed: slt -0.030 ± 0.025.",
        "Not told from drr in accuracy by so many seeds: pmmp -0.010 ± 0.086.",
    ]
    single = [row(0, "drr", (0.9,), 1.0), row(1, "slt", (0.8,), 1.0)]
    assert [*in_words(standings(single, PAIR), PAIR)] == []
    assert [*in_words(standings(alone([B, C, LOST]), PAIR[:1]), PAIR[:1])] == [
        "Behind slt in accuracy, seed by seed: drr -0.030 ± 0.025."
    ]


def test_a_number_that_differs_by_the_same_with_each_seed_is_not_called_noise() -> None:
    """Bits of a ticket do not depend on the seed, nor does their difference."""
    by_bits = [replace(each, values=each.values[::-1]) for each in (A, B, C)]
    assert [*in_words(standings(by_bits, PAIR[::-1]), PAIR[::-1])] == [
        "Behind slt in bits by as much with each seed: drr 100."
    ]


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        (Interval(0.9712), "0.9712"),
        (Interval(0.9712, 0.0), "0.9712 ± 0"),
        (Interval(0.9712, 0.0111), "0.971 ± 0.011"),
        (Interval(49_316.0, 3_334.0), "49,300 ± 3,300"),
        (Interval(385_920.0, 0.0), "385,920 ± 0"),
        (Interval(6_715.627, 2.8e-12), "6,716 ± 0"),
        (Interval(-0.0001, 0.0999), "0.00 ± 0.10"),
    ],
)
def test_in_digits(interval: Interval, text: str) -> None:
    assert said(interval) == text

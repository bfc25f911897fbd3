"""What all figures have in common."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sparsetune.report.canvas import (
    Margins,
    blank,
    compact,
    log_ticks,
    marks_axis,
    padded,
    save,
    ticks,
    values_axis,
    written,
)


def test_ticks_by_hand() -> None:
    assert ticks(0.0, 1.0, 5) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    assert ticks(0.71, 20.29, 10, whole=True) == [2, 4, 6, 8, 10, 12, 14, 16, 18, 20]
    assert ticks(0.5, 1.5, 10, whole=True) == [1]
    assert ticks(0.985, 3.015, 10, whole=True) == [1, 2, 3]


def test_logarithmic_ticks_by_hand() -> None:
    assert log_ticks(0.08, 2.5) == pytest.approx([0.1, 0.2, 0.5, 1, 2])
    assert log_ticks(0.005, 3.0) == pytest.approx([0.01, 0.1, 1])
    assert log_ticks(1e-12, 1.0) == pytest.approx([1e-12, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2, 1])


def test_ranges_by_hand() -> None:
    assert padded([1.0, 2.0, 1.5], pad=0.1) == pytest.approx((0.9, 2.1))
    assert padded([0.1, 10.0], log=True, pad=0.5) == pytest.approx((0.01, 100))
    assert padded([4.0]) == pytest.approx((3.6, 4.4))
    assert padded([0.0, 0.0]) == pytest.approx((-0.1, 0.1))
    assert padded([1.0], log=True) == pytest.approx((10**-0.1, 10**0.1))


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.05, "0.05"), (0.30000000000000004, "0.3"), (12000.0, "12,000"), (1.5e6, "1.5M"), (-2e9, "-2G"), (1e-5, "1e-5"),
     (0.0, "0"), (3e12, "3T")],
)  # fmt: skip
def test_numbers_in_few_letters(value: float, text: str) -> None:
    assert compact(value) == text


def test_letters_that_the_font_lacks_are_boxes() -> None:
    assert written("größe λ weight") == "größe λ weight"
    assert written("层.weight") == "\u25a1.weight"


def test_a_picture_keeps_its_colours(tmp_path: Path) -> None:
    """White is white and a line has its colour, although a PNG has few of them; nothing is warned of."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawing, (axes,) = blank(1, 2.0, Margins())
        axes.set_xlim(0, 1)
        axes.plot([0, 1], [1, 1], color="#1f5fa8", linewidth=6)
        values_axis(axes, written("层"), 0, 2)
        save(drawing, tmp_path / "figure.png")
    image = Image.open(tmp_path / "figure.png")
    assert (image.format, image.mode, image.size) == ("PNG", "P", (850, 286))
    pixels = np.asarray(image.convert("RGB")).astype(int)
    assert tuple(pixels[0, 0]) == (255, 255, 255)
    line = (np.abs(pixels - (0x1F, 0x5F, 0xA8)).max(axis=2) <= 3).sum()
    assert line > 740 * 6, "most of 745 x 8 pixels"


@pytest.mark.parametrize("log", [False, True])
def test_named_marks_leave_room_between(log: bool) -> None:
    """Whatever the scale: of two that are nearer than 0.45 inches the first is named."""
    drawing, (axes,) = blank(1, 1.0, Margins(left=0.0, right=0.0), width=4.0)
    if log:
        axes.set_xscale("log")
    axes.set_xlim(1, 10_000)
    inches = [0.0, 0.4, 0.5, 1.0, 1.4, 4.0]
    at = [10**each if log else 1 + 9_999 * each / 4 for each in inches]
    marks_axis(axes, "label", [(place, f"{each:g}") for place, each in zip(at, inches, strict=True)])
    assert [text.get_text() for text in drawing.texts] == ["0", "0.5", "1", "4", "label"]

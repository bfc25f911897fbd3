"""What all figures have in common: fixed margins, axes with few numbers, a PNG of few colours.

Numbers beside the axes are texts of the figure: matplotlib's own ticks take as long as all the rest together, and its
layout engines as long again.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sparsetune.base.yaml_io import write_atomic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 100
WIDTH = 8.5  # inches, as all lengths here
GREY, GRID, INK = "#5b6470", "#e3e6ea", "#222222"
SMALL, NORMAL = 8, 9.5  # points
_GAP = 0.16  # between two axes
_SHADES = 256  # colours of a PNG: lines and letters need far fewer, and a third of the time and the bytes is left
_LARGE = ((1e12, "T"), (1e9, "G"), (1e6, "M"))


class Margins(NamedTuple):
    """Beside the axes."""

    left: float = 0.85
    right: float = 0.2
    top: float = 0.36
    bottom: float = 0.5


def sheet(width: float, height: float) -> Figure:
    """A figure without axes."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=DPI)


def blank(panels: int, height: float, margins: Margins, width: float = WIDTH) -> tuple[Figure, list[Axes]]:
    """A figure with so many axes of that height, one below the other, without ticks."""
    whole = margins.top + panels * (height + _GAP) - _GAP + margins.bottom
    drawing = sheet(width, whole)
    across = margins.left / width, (width - margins.left - margins.right) / width
    panes = []
    for number in range(panels):
        below = margins.bottom + (panels - 1 - number) * (height + _GAP)
        axes = drawing.add_axes((across[0], below / whole, across[1], height / whole))
        axes.xaxis.set_visible(False)
        axes.yaxis.set_visible(False)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(GREY)
        panes.append(axes)
    return drawing, panes


def values_axis(axes: Axes, label: str, low: float, high: float, *, log: bool = False) -> None:
    """Numbers and lines of the y axis from ``low`` to ``high``, and what they are."""
    if log:
        axes.set_yscale("log")
        axes.yaxis.set_visible(False)
    axes.set_ylim(low, high)
    marks = log_ticks(low, high) if log else ticks(low, high, min(8, round(3.5 / _share(axes, 1, 1))))
    across = axes.get_yaxis_transform()
    axes.hlines(marks, 0, 1, transform=across, colors=GRID, linewidth=0.8, zorder=0)
    for mark in marks:
        _text(axes, -_share(axes, 0.07, 0), mark, compact(mark), across, ha="right", va="center_baseline")
    middle = -_share(axes, 0.7, 0)
    _text(axes, middle, 0.5, label, axes.transAxes, rotation=90, ha="center", va="center", fontsize=NORMAL)


def counts_axis(axes: Axes, label: str, low: float, high: float) -> None:
    """Whole numbers below the axes from ``low`` to ``high``, and what is counted."""
    along = axes.get_xaxis_transform()
    for mark in ticks(low, high, 10, whole=True):
        _text(axes, mark, -_share(axes, 0.07, 1), compact(mark), along, ha="center", va="top")
    _text(axes, 0.5, -_share(axes, 0.28, 1), label, axes.transAxes, ha="center", va="top", fontsize=NORMAL)


def marks_axis(axes: Axes, label: str, marks: Sequence[tuple[float, str]]) -> None:
    """Named positions below the axes, those of the first ones that leave room between, and what they are."""
    along, taken = axes.get_xaxis_transform(), list[float]()
    for at, name in marks:
        inches = along.transform((at, 0))[0] / DPI  # whatever the scale of the axis
        if all(abs(inches - other) >= 0.45 for other in taken):
            taken.append(inches)
            _text(axes, at, -_share(axes, 0.07, 1), name, along, ha="center", va="top")
    _text(axes, 0.5, -_share(axes, 0.28, 1), label, axes.transAxes, ha="center", va="top", fontsize=NORMAL)


def ticks(low: float, high: float, most: int, *, whole: bool = False) -> list[float]:
    """About so many round numbers within the range, at least one; ``whole``: integers alone."""
    from matplotlib.ticker import MaxNLocator

    marks = MaxNLocator(most, integer=whole, min_n_ticks=1, steps=[1, 2, 5, 10]).tick_values(low, high)
    return [float(each) for each in marks if low <= each <= high]


def log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten within the range; where there are few decades their double and fivefold too."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    steps = (1, 2, 5) if high <= 100 * low else (1,)
    stride = -(-(last - first) // 6)
    marks = [step * 10.0**power for power in range(first, last + 1, stride) for step in steps]
    return [each for each in marks if low <= each <= high]


def padded(values: Iterable[float], *, log: bool = False, pad: float = 0.06) -> tuple[float, float]:
    """The range of these numbers with some room at both ends; of equal ones room around them."""
    drawn = [math.log10(each) if log else each for each in values]
    low, high = min(drawn), max(drawn)
    room = pad * (high - low) or 0.1 * abs(high) or 0.1
    low, high = low - room, high + room
    return (10**low, 10**high) if log else (low, high)


def compact(value: float) -> str:
    """A number in few letters: 0.05, 12,000, 1.5M."""
    for factor, letter in _LARGE:
        if abs(value) >= factor:
            return f"{value / factor:.6g}{letter}"
    return f"{value:,.6g}".replace("e-0", "e-")


def written(text: str) -> str:
    """Text with a box for each letter that the font lacks; matplotlib draws the same, and warns of it each time."""
    letters = _letters()
    return text if text.isascii() else "".join(each if ord(each) in letters else "\u25a1" for each in text)


def legend(drawing: Figure, lines: Sequence[dict[str, Any]], margins: Margins, *, side: bool = False) -> None:
    """What lines mean, in one row above the axes, or in a column at their right; of each its label and look."""
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], **each) for each in lines]
    width, height = drawing.get_size_inches()
    corner = 1 - margins.right / width, 1 - (margins.top if side else 0.03) / height
    drawing.legend(
        handles=handles, loc="upper left" if side else "upper right", bbox_to_anchor=corner,
        ncols=1 if side else len(handles), frameon=False, borderpad=0.1,
        fontsize=NORMAL, handlelength=1.6, columnspacing=1.6, borderaxespad=0.0, labelcolor=INK,
    )  # fmt: skip


def save(drawing: Figure, path: Path) -> None:
    """Write it as a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    canvas = FigureCanvasAgg(drawing)
    canvas.draw()
    pixels = Image.frombuffer("RGBA", canvas.get_width_height(), canvas.buffer_rgba(), "raw", "RGBA", 0, 1)
    buffer = io.BytesIO()
    few = pixels.convert("RGB").quantize(_SHADES, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    few.putpalette([255 if shade >= 254 else shade for shade in few.getpalette() or ()])  # white stays white
    few.save(buffer, "png", dpi=(DPI, DPI))
    write_atomic(path, buffer.getvalue())


def _text(axes: Axes, x: float, y: float, text: str, transform: Any, **how: Any) -> None:
    how = {"fontsize": SMALL, "color": INK, **how}
    axes.figure.text(x, y, written(text), transform=transform, **how)


def _share(axes: Axes, inches: float, side: int) -> float:
    """A length as a share of the axes' width (0) or height (1)."""
    return inches * DPI / float((axes.bbox.width, axes.bbox.height)[side])


@cache
def _letters() -> frozenset[int]:
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return frozenset(get_font(findfont(FontProperties())).get_charmap())

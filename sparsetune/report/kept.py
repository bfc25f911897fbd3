"""A figure of what each layer keeps where a run has ended."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sparsetune.base.paths import LAYERS
from sparsetune.report.canvas import GREY, GRID, SMALL, Margins, blank, compact, log_ticks, marks_axis, written

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LINE = 0.24  # inches that a layer takes
_LETTER = 0.07  # inches that a letter takes at most, on the average
_ACROSS = 4.5  # inches of the axis
_DOT = "#1f5fa8"


class Layer(NamedTuple):
    """A prunable tensor: how many of its weights are not zero."""

    name: str
    nonzeros: int
    size: int

    @property
    def said(self) -> str:
        """In words, for the end of its line."""
        if self.nonzeros == self.size:
            return f"all {self.size:,}"
        share = min(100 * self.nonzeros / self.size, 99)
        digits = max(0, 1 - math.floor(math.log10(share))) if share else 0  # two that count
        return f"{self.nonzeros:,} of {self.size:,} ({share:.{digits}f} %)"


def layers_left(folder: Path) -> list[Layer]:
    """From the file that a run has left, in the network's order; none if nothing is pruned."""
    path = folder / LAYERS
    listed: list[dict[str, Any]] = json.loads(path.read_text()) if path.exists() else []
    return [Layer(each["name"], each["nonzeros"], each["size"]) for each in listed]


def kept_figure(layers: Sequence[Layer]) -> Figure:
    """A line for each layer, input to output: a dot at the fraction that is left, none where nothing is."""
    names = [written(layer.name) for layer in layers]
    left, right = (0.3 + _LETTER * max(map(len, texts)) for texts in (names, [layer.said for layer in layers]))
    margins = Margins(left=left, right=right, top=0.15, bottom=0.55)
    height = _LINE * len(layers)
    drawing, (axes,) = blank(1, height, margins, left + _ACROSS + right)
    fractions = [layer.nonzeros / layer.size for layer in layers]
    lowest = min((each for each in fractions if each), default=0.1)
    low = 10.0 ** min(-1, math.floor(math.log10(lowest)))
    axes.set_xscale("log")
    axes.xaxis.set_visible(False)
    axes.set_xlim(low, 1.15)
    axes.set_ylim(len(layers) - 0.5, -0.5)
    marks = log_ticks(low, 1)
    axes.vlines(marks, 0, 1, transform=axes.get_xaxis_transform(), colors=GRID, linewidth=0.8, zorder=0)
    for line, (name, layer, fraction) in enumerate(zip(names, layers, fractions, strict=True)):
        axes.hlines(line, low, 1.15, colors=GRID, linewidth=0.8, zorder=0)
        if fraction:
            axes.plot(fraction, line, "o", ms=6, color=_DOT, clip_on=False)
        for at, text, side in ((-0.1 / _ACROSS, name, "right"), (1 + 0.1 / _ACROSS, layer.said, "left")):
            across = axes.get_yaxis_transform()
            axes.text(at, line, text, transform=across, ha=side, va="center_baseline", fontsize=SMALL, color=GREY)
    marks_axis(axes, "fraction of the layer's weights that is left", [(mark, compact(mark)) for mark in marks])
    return drawing

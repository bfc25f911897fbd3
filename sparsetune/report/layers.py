"""A figure of what each layer keeps, epoch by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sparsetune.base.messages import Row
from sparsetune.config.metrics import LAYER_DENSITY
from sparsetune.report.canvas import SMALL, Margins, blank, counts_axis, values_axis, written

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Curves = dict[str, tuple[list[int], list[float]]]
_DASHES = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (5, 1.5, 1, 1.5)))  # neighbours in depth differ in more than colour
_LINE = 0.2  # inches that a line of the legend takes
_LABEL = 0.13  # inches between two labels at the ends of lines: their font is 8/72 inches high
_LETTER = 0.07  # inches that a letter of the legend takes at most, on the average
_COLOURS = "gnuplot", 0.05, 0.75  # the part of the map that stands out from white: contrast 3.4 and more


def layer_curves(rows: Sequence[Row]) -> Curves:
    """Epochs and densities (fractions) of each prunable tensor, in the network's order; none if none is pruned."""
    curves: Curves = {}
    for row in rows:
        for name, density in row.metrics.items():
            family, _, layer = name.partition("/")
            if family == LAYER_DENSITY:
                epochs, densities = curves.setdefault(layer, ([], []))
                epochs.append(row.step)
                densities.append(density)
    return curves if any(density < 1 for _, densities in curves.values() for density in densities) else {}


def spread(heights: Sequence[float], gap: float, top: float) -> list[float]:
    """Heights at least ``gap`` apart in [0, top], in the same order, with the least sum of squared moves.

    What remains when each is lowered by ``gap`` for each one below it must not fall: groups that do become their mean.
    Where there is no room for all of them they reach above ``top``.
    """
    ranked = sorted(range(len(heights)), key=heights.__getitem__)
    groups: list[tuple[float, int]] = []  # mean and size
    for rank, index in enumerate(ranked):
        mean, size = heights[index] - rank * gap, 1
        while groups and groups[-1][0] > mean:
            other, count = groups.pop()
            mean, size = (mean * size + other * count) / (size + count), size + count
        groups.append((mean, size))
    highest = top - gap * (len(heights) - 1)
    level = (max(0.0, min(mean, highest)) for mean, size in groups for _ in range(size))
    moved = {index: each + rank * gap for rank, (index, each) in enumerate(zip(ranked, level, strict=True))}
    return [moved[index] for index in range(len(heights))]


def density_figure(curves: Curves, unit: str = "epoch") -> Figure:
    """What :func:`layer_curves` found: colour goes with depth, the numbers at the ends are those of the legend."""
    from matplotlib import colormaps

    height = max(3.9, 0.3 + _LINE * len(curves))
    names = [f"{number}  {written(layer)}" for number, layer in enumerate(curves, 1)]
    margins = Margins(right=1.05 + _LETTER * max(map(len, names)), top=0.15)
    drawing, (axes,) = blank(1, height, margins, max(9.0, 5.5 + margins.right))
    last = max(epochs[-1] for epochs, _ in curves.values())
    room = 0.015 * (last - 1) or 0.5
    axes.set_xlim(1 - room, last + room)
    top = min(1.02, 1.1 * max(max(densities) for _, densities in curves.values()) or 1)
    heights = spread([densities[-1] for _, densities in curves.values()], top * _LABEL / height, top)
    name, first, end = _COLOURS
    for number, (epochs, densities) in enumerate(curves.values()):
        depth = number / max(1, len(curves) - 1)
        colour = colormaps[name](first + (end - first) * depth)
        style: dict[str, Any] = {"color": colour, "linestyle": _DASHES[number % 4]}
        marker = "o" if len(epochs) == 1 else None
        axes.plot(epochs, densities, label=names[number], lw=1.6, marker=marker, ms=4, **style)
        beside: dict[str, Any] = {"xytext": (5, 0), "textcoords": "offset points", "va": "center", "fontsize": SMALL}
        axes.annotate(str(number + 1), (epochs[-1], heights[number]), annotation_clip=False, **beside)
    values_axis(axes, "kept fraction of the layer's weights", 0, top)
    counts_axis(axes, unit, 1 - room, last + room)
    width, whole = drawing.get_size_inches()
    corner = 1 - (margins.right - 0.25) / width, 1 - margins.top / whole
    drawing.legend(
        loc="upper left", bbox_to_anchor=corner, frameon=False, fontsize=SMALL, handlelength=4,
        title="input to output", title_fontsize=SMALL, borderaxespad=0.0, borderpad=0.0, alignment="left",
    )  # fmt: skip
    return drawing

"""A figure of what the levels of a trial's runs have come to: a line a branch, with intervals over replicates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sparsetune.report.canvas import GREY, Margins, blank, legend, marks_axis, padded, values_axis
from sparsetune.report.levels import Point, Runs, panels
from sparsetune.report.looks import half_width, look
from sparsetune.sparsity.figure import OverLevels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HEIGHTS = {1: 3.6, 2: 2.9}  # inches of axes, by how many there are
_LEAST = 2.2
_MARGINS = Margins()
_ACROSS: Mapping[str, Any] = {"color": GREY, "linewidth": 0.8, "linestyle": (0, (1, 2))}


def levels_figure(branches: Mapping[str, Runs], wanted: OverLevels) -> Figure | None:
    """Draw it; None where no run has two levels, or none of the numbers.

    Args:
        branches: by what the legend calls them.
    """
    shown = panels(branches, wanted)
    if not shown:
        return None
    drawing, panes = blank(len(shown), _HEIGHTS.get(len(shown), _LEAST), _MARGINS)
    places = sorted({point.over for panel in shown for line in panel.lines.values() for point in line}, reverse=True)
    low, high = padded([-math.log(place) for place in places], pad=0.03)
    looks = {branch: {**look(number), "linewidth": 1.6} for number, branch in enumerate(branches)}
    for axes, panel in zip(panes, shown, strict=True):
        axes.set_xlim(low, high)
        for branch, line in panel.lines.items():
            _draw(axes, line, looks[branch])
        axes.axhline(next(iter(panel.lines.values()))[0].mean, zorder=1, **_ACROSS)
        ends = [end for line in panel.lines.values() for point in line for end in interval(point)]
        values_axis(axes, panel.label, *padded(ends))
    marks_axis(panes[-1], wanted.label, [(-math.log(place), f"{100 * place:.3g}") for place in places])
    named = [{"label": branch, "markersize": 4, **each} for branch, each in looks.items()]
    legend(drawing, [*named, {"label": wanted.first, **_ACROSS}], _MARGINS)
    return drawing


def interval(point: Point) -> tuple[float, float]:
    """The ends of the mean's 95 % interval, by Student's t; of one replicate the number itself."""
    half = half_width(point.error, point.replicates)
    return point.mean - half, point.mean + half


def _draw(axes: Axes, line: Sequence[Point], shown: Mapping[str, Any]) -> None:
    along = [-math.log(point.over) for point in line]
    axes.plot(along, [point.mean for point in line], markersize=3.5, **shown)
    if all(point.error is not None for point in line):
        low, high = zip(*map(interval, line), strict=True)
        axes.fill_between(along, low, high, color=shown["color"], alpha=0.15, linewidth=0)

"""A figure of what the levels of a trial's runs have come to: a line for each branch, means over replicates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from sparsetune.base.messages import Result
from sparsetune.config.study.rows import mean_and_error
from sparsetune.report.canvas import GREY, Margins, blank, legend, marks_axis, padded, values_axis
from sparsetune.sparsity.figure import OverLevels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = ("#1f5fa8", "#c0272d", "#d9822b", "#2c7a4b", "#7b4fa3", "#8a6d3b", "#3f4752")
_MARKERS = "osD^vP*"
_HEIGHT = 2.9  # inches of axes
_CONFIDENCE = 0.95
_MARGINS = Margins()

Runs = Sequence[Sequence[Result]]  # of each replicate, in the order of its levels


class Point(NamedTuple):
    """A level of several replicates: where it stands, the mean, and half of its interval; NaN with one replicate."""

    over: float
    mean: float
    half: float


def levels_figure(branches: Mapping[str, Runs], wanted: OverLevels) -> Figure | None:
    """Draw it; None where no run has two levels, or none of the numbers.

    Args:
        branches: by what the legend calls them.
    """
    shown = {branch: [_shown(run, wanted) for run in runs] for branch, runs in branches.items()}
    panels = [drawn for panel in wanted.panels if (drawn := _lines(shown, wanted.over, panel))]
    if not panels or all(len(line) < 2 for _, lines in panels for line in lines.values()):
        return None
    drawing, panes = blank(len(panels), _HEIGHT, _MARGINS)
    places = sorted({point.over for _, lines in panels for line in lines.values() for point in line}, reverse=True)
    low, high = padded([-math.log(place) for place in places], pad=0.03)
    looks = {branch: _look(number) for number, branch in enumerate(branches)}
    for axes, (label, lines) in zip(panes, panels, strict=True):
        axes.set_xlim(low, high)
        ends = [end for line in lines.values() for point in line for end in _ends(point)]
        for branch, line in lines.items():
            _draw(axes, line, looks[branch])
        first = next(iter(lines.values()))[0].mean
        axes.axhline(first, color=GREY, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
        values_axis(axes, label, *padded(ends))
    marks_axis(panes[-1], wanted.label, [(-math.log(place), f"{100 * place:.3g}") for place in places])
    named = [{"label": branch, "markersize": 4, **look} for branch, look in looks.items()]
    legend(drawing, [*named, {"label": wanted.first, "color": GREY, "linestyle": (0, (1, 2))}], _MARGINS)
    return drawing


def _lines(shown: Mapping[str, Runs], over: str, panel: Mapping[str, str]) -> tuple[str, dict[str, list[Point]]] | None:
    """The label of the first number of the panel that all results have, and its points by branch."""
    results = [each.metrics for runs in shown.values() for run in runs for each in run]
    metric = next((name for name in panel if results and all(name in each for each in results)), None)
    if metric is None:
        return None
    return panel[metric], {branch: _points(runs, over, metric) for branch, runs in shown.items()}


def _shown(run: Sequence[Result], wanted: OverLevels) -> list[Result]:
    return [each for each in run if each.which == wanted.which and wanted.over in each.metrics]


def _points(runs: Runs, over: str, metric: str) -> list[Point]:
    """Level by level, of those that all replicates have."""
    points = []
    for level in zip(*runs, strict=False):
        means, errors = mean_and_error([each.metrics for each in level])
        half = half_interval(errors[metric], len(level)) if errors else math.nan
        points.append(Point(means[over], means[metric], half))
    return points


def half_interval(error: float, count: int) -> float:
    """Half of the 95 % interval of a mean with that standard error over so many replicates, by Student's t."""
    from scipy.special import stdtrit

    return error * float(stdtrit(count - 1, (1 + _CONFIDENCE) / 2))


def _ends(point: Point) -> tuple[float, float]:
    half = 0.0 if math.isnan(point.half) else point.half
    return point.mean - half, point.mean + half


def _draw(axes: Axes, line: Sequence[Point], look: Mapping[str, Any]) -> None:
    along = [-math.log(point.over) for point in line]
    axes.plot(along, [point.mean for point in line], markersize=3.5, **look)
    if not any(math.isnan(point.half) for point in line):
        low, high = zip(*map(_ends, line), strict=True)
        axes.fill_between(along, low, high, color=look["color"], alpha=0.15, linewidth=0)


def _look(number: int) -> dict[str, Any]:
    """Neighbours differ in more than colour."""
    return {"color": _COLOURS[number % len(_COLOURS)], "marker": _MARKERS[number % len(_MARKERS)], "linewidth": 1.6}

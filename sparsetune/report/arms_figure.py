"""A figure of a study's arms: of each cell the mean of each with its interval, and below how far controls are off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparsetune.base.layout.columns import of_params
from sparsetune.base.layout.text import heading
from sparsetune.report.by_arm import Cell
from sparsetune.report.canvas import GREY, Margins, blank, legend, marks_axis, padded, save, values_axis
from sparsetune.report.looks import look
from sparsetune.report.paired import Interval, measured_at

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARGINS = Margins(top=0.4)
_HEIGHT = 2.7
_ROOM = 0.6  # of a cell's place, for its arms
_WHISKER: Mapping[str, Any] = {"linestyle": "none", "markersize": 5, "elinewidth": 1.2, "capsize": 0}
_ZERO: Mapping[str, Any] = {"color": GREY, "linewidth": 0.8, "linestyle": (0, (1, 2))}


def draw_arms(path: Path, cells: Sequence[Cell], metric: str) -> bool:
    """Write the figure as a PNG; whether there is one."""
    shown = [cell for cell in cells if all(metric in row.metrics for row in cell.arms.values())]
    if shown:
        save(arms_figure(shown, metric), path)
    return bool(shown)


def arms_figure(cells: Sequence[Cell], metric: str) -> Figure:
    """Draw it: above the metric of all arms, below what the first arm of a cell is more than each of its controls."""
    drawing, (above, below) = blank(2, _HEIGHT, _MARGINS)
    names = list(dict.fromkeys(arm for cell in cells for arm in cell.arms))
    looks = {name: look(number) for number, name in enumerate(names)}
    seen: dict[Axes, list[float]] = {above: [], below: [0.0]}
    for place, cell in enumerate(cells):
        for arm, row in cell.arms.items():
            at = place + _ROOM * (names.index(arm) / max(1, len(names) - 1) - 0.5)
            seen[above] += _draw(above, at, measured_at(row, metric), looks[arm])
            if arm != cell.first:
                seen[below] += _draw(below, at, cell.apart(arm, metric), looks[arm])
    below.axhline(0, zorder=1, **_ZERO)
    first = cells[0].first if len({cell.first for cell in cells}) == 1 else "the first"
    for axes, label in ((above, heading(metric)), (below, f"{heading(first)} less control")):
        axes.set_xlim(-0.5, len(cells) - 0.5)
        values_axis(axes, label, *padded(seen[axes]))
    marks_axis(below, _varied(cells), list(enumerate(_labels(cells))))
    legend(
        drawing, [{"label": heading(name), "markersize": 5, "linewidth": 0, **looks[name]} for name in names], _MARGINS
    )
    return drawing


def _draw(axes: Axes, at: float, value: Interval, shown: Mapping[str, Any]) -> tuple[float, float]:
    """Draw a mean with its interval; returns its ends."""
    half = value.half or 0.0
    axes.errorbar([at], [value.mean], yerr=[half], **_WHISKER, **shown)
    return value.mean - half, value.mean + half


def _varied(cells: Sequence[Cell]) -> str:
    return ", ".join(heading(column.name) for column in of_params([cell.values for cell in cells]))


def _labels(cells: Sequence[Cell]) -> list[str]:
    columns = of_params([cell.values for cell in cells])
    return [", ".join(filter(None, (column.cells[index] for column in columns))) for index in range(len(cells))]

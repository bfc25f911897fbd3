"""A figure of a study's trade-offs: two objectives, a colour a method, the front of each with its intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparsetune.base.layout.text import heading
from sparsetune.base.messages import Trial
from sparsetune.config.study.file import Objective
from sparsetune.report.by_method import by_method, own_front
from sparsetune.report.canvas import (
    Margins,
    blank,
    compact,
    legend,
    log_ticks,
    marks_axis,
    padded,
    save,
    ticks,
    values_axis,
)
from sparsetune.report.looks import look
from sparsetune.report.paired import measured_at

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARGINS = Margins(right=1.35, top=0.2)
_HEIGHT = 3.9
_LOG_FROM = 20  # the largest over the smallest: from here on a scale is logarithmic
_WHISKER: Mapping[str, Any] = {"fmt": "none", "elinewidth": 0.9, "capsize": 0, "alpha": 0.55}


def draw_front(path: Path, rows: Sequence[Trial], objectives: Sequence[Objective]) -> bool:
    """Write the figure as a PNG; whether there is one."""
    drawing = front_figure(rows, objectives)
    if drawing is not None:
        save(drawing, path)
    return drawing is not None


def front_figure(rows: Sequence[Trial], objectives: Sequence[Objective]) -> Figure | None:
    """Draw it; None where there are no two objectives, or no row may win.

    The first objective is upwards, the second across. Dots are all rows that may win; lines join those that no other
    of their method beats, with 95 % intervals over replicates.
    """
    methods = {name: own for name, own in by_method(rows).items() if own}
    if len(objectives) < 2 or not methods:
        return None
    pair = objectives[:2]
    up, across = (each.metric for each in pair)
    drawing, (axes,) = blank(1, _HEIGHT, _MARGINS)
    shown = [row for own in methods.values() for row in own]
    _scale(axes, shown, across)
    looks = {name: look(number) for number, name in enumerate(methods)}
    for name, own in methods.items():
        dots = {**looks[name], "linewidth": 0, "markersize": 3.5}
        axes.plot([row.metrics[across] for row in own], [row.metrics[up] for row in own], alpha=0.3, **dots)
        _draw(axes, own_front(own, pair), up, across, looks[name])
    values_axis(axes, heading(up), *padded(_ends(shown, up)))
    legend(drawing, [{"label": name, "markersize": 5, **each} for name, each in looks.items()], _MARGINS, side=True)
    return drawing


def _draw(axes: Axes, front: Sequence[Trial], up: str, across: str, shown: Mapping[str, Any]) -> None:
    xs, ys = ([measured_at(row, name) for row in front] for name in (across, up))
    at, height = [each.mean for each in xs], [each.mean for each in ys]
    axes.plot(at, height, markersize=5, linewidth=1.4, **shown)
    axes.errorbar(
        at, height, xerr=[each.half or 0 for each in xs], yerr=[each.half or 0 for each in ys],
        ecolor=shown["color"], **_WHISKER,
    )  # fmt: skip


def _scale(axes: Axes, rows: Sequence[Trial], across: str) -> None:
    """The x axis: logarithmic where numbers differ by much."""
    values = [row.metrics[across] for row in rows]
    log = min(values) > 0 and max(values) >= _LOG_FROM * min(values)
    low, high = padded(values, log=log)
    if log:
        axes.set_xscale("log")
        axes.xaxis.set_visible(False)
    axes.set_xlim(low, high)
    marks = log_ticks(low, high) if log else ticks(low, high, 8)
    marks_axis(axes, heading(across), [(mark, compact(mark)) for mark in marks])


def _ends(rows: Sequence[Trial], name: str) -> list[float]:
    """What has to be seen of a number: all values, and those intervals that are not wider than all of them together."""
    values = [row.metrics[name] for row in rows]
    room = max(values) - min(values)
    shown = [each for each in (measured_at(row, name) for row in rows) if each.half is not None and each.half <= room]
    return [*values, *(each.mean + side * (each.half or 0) for each in shown for side in (-1, 1))]

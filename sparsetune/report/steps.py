"""A figure of what a method traced over the steps of a trial; what is drawn its ``figure`` says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sparsetune.report.canvas import Margins, blank, counts_axis, legend, padded, values_axis
from sparsetune.sparsity.figure import Panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST = 2000  # steps drawn; longer traces are shown as means of equal stretches
_SMOOTHED, _LEAST = 40, 9  # a moving mean is over one step in so many, and over so many at least
_HEIGHT = 2.3  # inches of axes
_LINE, _EACH, _MEAN, _TARGET = "#1f5fa8", "#b3bac4", "#3f4752", "#c0272d"
_MARGINS = Margins()


def steps_figure(trace: Path, panels: Sequence[Panel]) -> Figure | None:
    """Draw ``trace`` (an .npz with arrays of equal length by name); None where there is no step, or nothing to draw."""
    with np.load(trace, allow_pickle=False) as recorded:
        series = [recorded[panel.trace] for panel in panels]
    if not series or series[0].size == 0:
        return None
    last = int(series[0].size)
    steps, *series = _thin(*series)
    drawing, axes = blank(len(panels), _HEIGHT, _MARGINS)
    room = 0.015 * last or 0.5
    key: dict[str, dict[str, Any]] = {}
    for panel, values, each in zip(panels, series, axes, strict=True):
        each.set_xlim(1 - room, last + room)
        key |= _draw(each, panel, steps, values, -(-last // len(steps)))
    counts_axis(axes[-1], "step", 1 - room, last + room)
    if key:
        legend(drawing, list(key.values()), _MARGINS)
    return drawing


def _draw(axes: Axes, panel: Panel, steps: np.ndarray, values: np.ndarray, stride: int) -> dict[str, dict[str, Any]]:
    """Draw a panel; returns what the legend says of its lines, by label. ``stride``: steps in one that is drawn."""
    lines: dict[str, str] = {}  # colours by label
    dot = "o" if len(steps) == 1 else None
    if panel.averaged:
        lines["each step"] = _EACH
        axes.plot(steps, values, color=_EACH, linewidth=0.7, marker=dot, label="each step")
        window = max(_LEAST, len(steps) // _SMOOTHED)
        if len(steps) >= 3 * window:
            middle = steps[(window - 1) // 2 : len(steps) - window // 2]
            axes.plot(middle, np.convolve(values, np.full(window, 1 / window), "valid"), color=_MEAN, linewidth=1.4)
            lines[f"mean of {window * stride} steps"] = _MEAN
    else:
        axes.plot(steps, values, color=_LINE, linewidth=1, marker=dot)
    if panel.target is not None:
        axes.axhline(panel.target, color=_TARGET, linewidth=1)
        lines[f"target {panel.target:.3g}"] = _TARGET
    finite = values[np.isfinite(values)]
    log = bool(panel.limits is None and finite.size and finite.min() > 0 and finite.max() > 10 * finite.min())
    low, high = panel.limits or padded(finite.tolist() or [0.0], log=log)
    values_axis(axes, panel.label, low, high, log=log)
    widths = {_EACH: 1.2, _MEAN: 1.4, _TARGET: 1}
    return {label: {"label": label, "color": each, "linewidth": widths[each]} for label, each in lines.items()}


def _thin(*series: np.ndarray) -> tuple[np.ndarray, ...]:
    size = series[0].size
    stride = -(-size // _MOST)
    starts = np.arange(0, size, stride)
    lengths = np.diff(np.append(starts, size))
    return (starts + 1, *(np.add.reduceat(values, starts) / lengths for values in series))

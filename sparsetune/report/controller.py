"""A figure of what AST's controller did: threshold and activation over the steps of a trial."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sparsetune.config.metrics import METRICS
from sparsetune.report.canvas import Margins, blank, counts_axis, legend, padded, values_axis

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST = 2000  # steps drawn; longer traces are shown as means of equal stretches
_SMOOTHED, _LEAST = 40, 9  # a moving mean is over one step in so many, and over so many at least
_HEIGHT = 2.3  # inches of axes
_THRESHOLD, _EACH, _MEAN, _TARGET = "#1f5fa8", "#b3bac4", "#3f4752", "#c0272d"
_MARGINS = Margins()


def controller_figure(trace: Path, target: float, unit: str = METRICS["threshold"].unit) -> Figure | None:
    """Draw ``trace`` (an .npz with threshold, in ``unit``, and activation by step); None where there is no step."""
    from matplotlib.lines import Line2D

    with np.load(trace, allow_pickle=False) as recorded:
        threshold, activation = recorded["threshold"], recorded["activation"]
    if threshold.size == 0:
        return None
    last = int(threshold.size)
    steps, threshold, activation = _thin(threshold, activation)
    drawing, (upper, lower) = blank(2, _HEIGHT, _MARGINS)
    room = 0.015 * last or 0.5
    for axes in (upper, lower):
        axes.set_xlim(1 - room, last + room)
    dot = "o" if len(steps) == 1 else None
    upper.plot(steps, threshold, color=_THRESHOLD, linewidth=1, marker=dot)
    finite = threshold[np.isfinite(threshold)]
    log = bool(finite.size and finite.min() > 0 and finite.max() > 10 * finite.min())
    values_axis(upper, f"threshold ({unit})", *padded(finite.tolist() or [0.0], log=log), log=log)
    window = max(_LEAST, len(steps) // _SMOOTHED)
    lower.plot(steps, activation, color=_EACH, linewidth=0.7, marker=dot, label="each step")
    handles = [Line2D([], [], color=_EACH, linewidth=1.2, label="each step")]
    if len(steps) >= 3 * window:
        middle = steps[(window - 1) // 2 : len(steps) - window // 2]
        lower.plot(middle, np.convolve(activation, np.full(window, 1 / window), "valid"), color=_MEAN, linewidth=1.4)
        stride = -(-last // len(steps))
        handles.append(Line2D([], [], color=_MEAN, linewidth=1.4, label=f"mean of {window * stride} steps"))
    lower.axhline(target, color=_TARGET, linewidth=1)
    handles.append(Line2D([], [], color=_TARGET, linewidth=1, label=f"target {target:.3g}"))
    values_axis(lower, "activation (fraction)", -0.03, 1.03)
    counts_axis(lower, "step", 1 - room, last + room)
    legend(drawing, handles, _MARGINS)
    return drawing


def _thin(*series: np.ndarray) -> tuple[np.ndarray, ...]:
    size = series[0].size
    stride = -(-size // _MOST)
    starts = np.arange(0, size, stride)
    lengths = np.diff(np.append(starts, size))
    return (starts + 1, *(np.add.reduceat(values, starts) / lengths for values in series))

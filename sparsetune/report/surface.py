"""A figure of what a network of two inputs says, beside what is true, and their difference."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sparsetune.base.paths import SURFACES
from sparsetune.report.canvas import GREY, NORMAL, SMALL, Margins, compact, sheet, ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Surface = NDArray[np.float64]
_SIDE = 2.2  # inches of a square
_MARGINS = Margins(left=0.45, right=0.1, top=0.35, bottom=0.55)
_BESIDE = 0.8  # inches for the scale to the right of the last square that it is of
_GAP = 0.12


def surfaces_of(folder: Path) -> dict[str, Surface] | None:
    """What a run has left: ``at`` (n,), ``truth`` and ``network`` (n, n); None where it has not."""
    path = folder / SURFACES
    if not path.exists():
        return None
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name].astype(np.float64) for name in stored.files}


def surface_figure(surfaces: Mapping[str, Surface]) -> Figure:
    """Truth and network with one scale, and network - truth with another, which is 0 in its middle."""
    at, truth, network = (surfaces[name] for name in ("at", "truth", "network"))
    difference = network - truth
    width = _MARGINS.left + 3 * _SIDE + _GAP + 2 * _BESIDE + _MARGINS.right
    drawing = sheet(width, _MARGINS.top + _SIDE + _MARGINS.bottom)
    across = [0.0, _SIDE + _GAP, 2 * _SIDE + _GAP + _BESIDE]
    panes = [_square(drawing, _MARGINS.left + left, at) for left in across]
    both = min(truth.min(), network.min()), max(truth.max(), network.max())
    largest = float(np.abs(difference).max()) or 1.0
    drawn = (
        ("truth", truth, "viridis", both),
        ("network", network, "viridis", both),
        ("network - truth", difference, "RdBu_r", (-largest, largest)),
    )
    extent = (at[0], at[-1], at[0], at[-1])
    for axes, (title, values, colours, (low, high)) in zip(panes, drawn, strict=True):
        shown = axes.imshow(values, colours, vmin=low, vmax=high, origin="lower", extent=extent, aspect="auto")
        axes.set_title(title, fontsize=NORMAL)
        if values is not truth:
            _scale(drawing, axes, shown, (low, high))
    said = f"mean squared difference over the square: {compact(float(f'{np.square(difference).mean():.3g}'))}"
    drawing.text(_MARGINS.left / width, 0.08 / drawing.get_figheight(), said, fontsize=NORMAL)
    return drawing


def _square(drawing: Figure, left: float, at: Surface) -> Axes:
    """Axes so many inches from the left, with the values of the inputs beside them; of the second on the left alone."""
    width, height = drawing.get_size_inches()
    axes = drawing.add_axes((left / width, _MARGINS.bottom / height, _SIDE / width, _SIDE / height))
    marks = ticks(float(at[0]), float(at[-1]), 4)
    axes.set_xticks(marks, [compact(mark) for mark in marks])
    axes.set_yticks(marks, [compact(mark) for mark in marks] if left == _MARGINS.left else [])
    axes.tick_params(labelsize=SMALL, color=GREY)
    axes.spines[:].set_color(GREY)
    return axes


def _scale(drawing: Figure, axes: Axes, shown: Any, limits: tuple[float, float]) -> None:
    """What the colours mean, to the right of the axes."""
    from matplotlib.colorbar import Colorbar

    box, width = axes.get_position(), drawing.get_figwidth()
    marks = ticks(*limits, 6)
    bar = Colorbar(drawing.add_axes((box.x1 + 0.08 / width, box.y0, 0.12 / width, box.height)), shown, ticks=marks)
    bar.set_ticklabels([compact(mark) for mark in marks])
    bar.ax.tick_params(labelsize=SMALL, color=GREY)

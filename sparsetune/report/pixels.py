"""A figure of the input's pixels: how many weights of each are left, where a network sees an image flat."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from sparsetune.base.paths import LAYERS, WEIGHTS
from sparsetune.report.canvas import GREY, NORMAL, Margins, blank, compact, ticks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SIDE = 4.0  # inches of the image's longer side
_MARGINS = Margins(left=0.3, right=1.3, top=0.3, bottom=0.5)


def pixel_counts(weights: NDArray[Any], image: Sequence[int]) -> NDArray[np.int64]:
    """Non-zeros of the weights of each pixel (height, width), over all units and channels.

    Args:
        weights: (units, channels x height x width).
        image: (channels, height, width).
    """
    counts: NDArray[np.int64] = np.count_nonzero(weights, axis=0).reshape(image).sum(axis=0)
    return counts


def left_of_pixels(folder: Path) -> NDArray[np.int64] | None:
    """The counts of a run's network, from the files that it has left; None where it does not see an image flat."""
    path = folder / LAYERS
    first = json.loads(path.read_text())[0] if path.exists() else {}
    if "image" not in first:
        return None
    with safe_open(folder / WEIGHTS, framework="numpy") as stored:
        return pixel_counts(stored.get_tensor(first["name"]), first["image"])


def pixels_figure(counts: NDArray[np.int64]) -> Figure:
    """The image, darker where more weights are left; a pixel without any is white."""
    from matplotlib import colormaps
    from matplotlib.colorbar import Colorbar

    height, width = (_SIDE * side / max(counts.shape) for side in counts.shape)
    drawing, (axes,) = blank(1, height, _MARGINS, width + _MARGINS.left + _MARGINS.right)
    most = max(1, int(counts.max()))
    colours = colormaps["viridis_r"].with_extremes(under="white")
    shown = axes.imshow(counts, colours, vmin=0.5, vmax=most + 0.5, aspect="auto", interpolation="nearest")
    axes.spines[:].set(visible=True, color=GREY)
    across, whole = drawing.get_size_inches()
    beside = (_MARGINS.left + width + 0.2) / across, _MARGINS.bottom / whole, 0.15 / across, height / whole
    marks = ticks(1, most, 6, whole=True)
    bar = Colorbar(drawing.add_axes(beside), shown, ticks=marks)
    bar.set_ticklabels([compact(mark) for mark in marks])
    bar.set_label("weights that are left", fontsize=NORMAL)
    gone = int((counts == 0).sum())
    said = f"{gone:,} of {counts.size:,} input pixels have no weight left (white)"
    drawing.text(_MARGINS.left / across, 0.2 / whole, said, fontsize=NORMAL)
    return drawing

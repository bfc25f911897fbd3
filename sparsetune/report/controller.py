"""A figure of what AST's controller did: threshold and activation over the steps of a trial."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sparsetune.config.yaml_io import write_atomic

_POINTS = 2000  # drawn at most; longer traces are shown as means of equal stretches


def draw_controller(trace: Path, target: float, figure: Path) -> None:
    """Draw ``trace`` (an .npz with threshold and activation by step) as a PNG."""
    import io

    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with np.load(trace, allow_pickle=False) as recorded:
        threshold, activation = recorded["threshold"], recorded["activation"]
    if threshold.size == 0:
        return
    steps, threshold, activation = _thin(threshold, activation)
    drawing = Figure(figsize=(8, 4.5), dpi=100, layout="constrained")
    FigureCanvasAgg(drawing)
    upper, lower = drawing.subplots(2, sharex=True)
    upper.plot(steps, threshold, color="#1f77b4", linewidth=1)
    upper.set_ylabel("threshold")
    if threshold.min() > 0 and threshold.max() > 10 * threshold.min():
        upper.set_yscale("log")
    lower.plot(steps, activation, color="#7f7f7f", linewidth=0.5)
    lower.axhline(target, color="#d62728", linewidth=1, label=f"target {target:g}")
    lower.set(xlabel="step", ylabel="activation", ylim=(0, 1))
    lower.legend(loc="upper right", frameon=False)
    buffer = io.BytesIO()
    drawing.savefig(buffer, format="png")
    write_atomic(figure, buffer.getvalue())


def _thin(*series: np.ndarray) -> tuple[np.ndarray, ...]:
    size = series[0].size
    stride = -(-size // _POINTS)
    starts = np.arange(0, size, stride)
    lengths = np.diff(np.append(starts, size))
    return (starts + 1, *(np.add.reduceat(values, starts) / lengths for values in series))

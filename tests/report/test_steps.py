"""The figure of a trace."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sparsetune.report.canvas import save
from sparsetune.report.steps import _thin, steps_figure
from sparsetune.sparsity.methods.ast import AdaptiveSparseTraining, AstConfig

PANELS = AdaptiveSparseTraining.figure(AstConfig(target_activation=0.25))


def test_a_long_trace_is_drawn_as_means_of_stretches() -> None:
    steps, thinned = _thin(np.arange(5000.0))
    assert len(thinned) == 1667  # stretches of 3, the last of 2
    assert (steps[0], steps[1], thinned[0], thinned[1], thinned[-1]) == (1, 4, 1.0, 4.0, 4998.5)
    steps, same = _thin(np.array([3.0, 1.0]))
    assert (list(steps), list(same)) == ([1, 2], [3.0, 1.0])


def traced(folder: Path, steps: int) -> Path:
    activation = 0.25 + 0.2 * (-1.0) ** np.arange(steps)
    np.savez(folder / "trace.npz", threshold=np.geomspace(1, 1e-4, steps), activation=activation)
    return folder / "trace.npz"


@pytest.mark.parametrize("steps", [1, 50, 5000])
def test_a_figure_is_a_png(steps: int, tmp_path: Path) -> None:
    drawing = steps_figure(traced(tmp_path, steps), PANELS)
    assert drawing is not None
    save(drawing, tmp_path / "controller.png")
    assert (tmp_path / "controller.png").read_bytes().startswith(b"\x89PNG")


def test_what_is_drawn_by_hand(tmp_path: Path) -> None:
    drawing = steps_figure(traced(tmp_path, 60), PANELS)
    assert drawing is not None
    upper, lower = drawing.axes
    (threshold,) = upper.lines
    assert list(threshold.get_ydata()) == list(np.geomspace(1, 1e-4, 60))
    assert upper.get_yscale() == "log"
    each, mean, target = lower.lines
    assert list(each.get_xdata()) == list(range(1, 61))
    assert list(mean.get_xdata()) == list(range(5, 57)), "the middle of nine steps"
    assert list(mean.get_ydata()[:2]) == pytest.approx([0.25 + 0.2 / 9, 0.25 - 0.2 / 9])
    assert list(target.get_ydata()) == [0.25, 0.25]
    said = {text.get_text() for text in drawing.texts}
    assert {"threshold (nats)", "activation (fraction)", "step"} <= said
    legend = [text.get_text() for text in drawing.legends[0].get_texts()]
    assert legend == ["each step", "mean of 9 steps", "target 0.25"]


def test_no_steps_no_figure(tmp_path: Path) -> None:
    np.savez(tmp_path / "trace.npz", threshold=np.empty(0), activation=np.empty(0))
    assert steps_figure(tmp_path / "trace.npz", PANELS) is None


def test_nothing_to_draw_no_figure(tmp_path: Path) -> None:
    assert steps_figure(traced(tmp_path, 5), ()) is None

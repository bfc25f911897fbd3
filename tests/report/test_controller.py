"""The figure of a trace."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sparsetune.report.controller import _thin, draw_controller


def test_a_long_trace_is_drawn_as_means_of_stretches() -> None:
    steps, thinned = _thin(np.arange(5000.0))
    assert len(thinned) == 1667  # stretches of 3, the last of 2
    assert (steps[0], steps[1], thinned[0], thinned[1], thinned[-1]) == (1, 4, 1.0, 4.0, 4998.5)
    steps, same = _thin(np.array([3.0, 1.0]))
    assert (list(steps), list(same)) == ([1, 2], [3.0, 1.0])


@pytest.mark.parametrize("steps", [1, 50, 5000])
def test_a_figure_is_a_png(steps: int, tmp_path: Path) -> None:
    np.savez(tmp_path / "trace.npz", threshold=np.geomspace(1, 1e-4, steps), activation=np.full(steps, 0.25))
    draw_controller(tmp_path / "trace.npz", 0.25, tmp_path / "controller.png")
    assert (tmp_path / "controller.png").read_bytes().startswith(b"\x89PNG")


def test_no_steps_no_figure(tmp_path: Path) -> None:
    np.savez(tmp_path / "trace.npz", threshold=np.empty(0), activation=np.empty(0))
    draw_controller(tmp_path / "trace.npz", 1.0, tmp_path / "controller.png")
    assert not (tmp_path / "controller.png").exists()

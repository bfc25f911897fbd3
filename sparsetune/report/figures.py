"""The figures of a run: which ones follows from what it has left."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sparsetune.config.messages import Row
from sparsetune.config.said_once import said_once
from sparsetune.report.controller import draw_controller
from sparsetune.report.layers import draw_density_by_layer, layer_curves

CONTROLLER, LAYERS = "controller.png", "density_by_layer.png"


def draw_figures(trace: Path, rows: Sequence[Row], method: Mapping[str, Any]) -> None:
    """Draw what can be drawn, beside the trace; one that fails is left out, for a figure is not worth a trained trial.

    Args:
        trace: what the method recorded at each step, if there is such a file.
        rows: of the run, all of them.
        method: that section of its config.
    """
    if trace.exists() and "target_activation" in method:
        with contextlib.suppress(Exception), said_once():
            draw_controller(trace, method["target_activation"], trace.with_name(CONTROLLER))
    curves = layer_curves(rows)
    if curves:
        with contextlib.suppress(Exception), said_once():
            draw_density_by_layer(curves, trace.with_name(LAYERS))

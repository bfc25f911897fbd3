"""The figures of a run: which ones follows from what it has left."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparsetune.base.messages import Row, State
from sparsetune.base.paths import CONTROLLER, CURVES, DENSITIES
from sparsetune.config.metrics import METRICS, Metric
from sparsetune.report.panels import unit

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Numbers:
    """Names of the numbers that a study is judged by, and the table that has their units."""

    objectives: Sequence[str] = ()
    table: Mapping[str, Metric] = field(default_factory=lambda: METRICS)


@dataclass(frozen=True)
class End:
    """How a run ended; ``broke``: the epoch after its last row is the one in which it came to nothing."""

    state: State = "COMPLETE"
    reason: str = ""
    broke: bool = False


def draw_figures(
    folder: Path,
    runs: Sequence[Sequence[Row]],
    config: Mapping[str, Any],
    numbers: Numbers,
    end: End,
    trace: Path | None = None,
) -> None:
    """Draw what can be drawn; one that fails is left out, for a figure is not worth a trained trial.

    Args:
        folder: where they go.
        runs: all rows of each replicate; of a run its own.
        config: of the trial.
        trace: what the method recorded at each step, if there is such a file.
    """
    if trace is not None and trace.exists():
        _draw(folder / CONTROLLER, lambda: _controller(trace, config["method"]))
    if len(runs) == 1:
        _draw(folder / DENSITIES, lambda: _layers(runs[0]))
    if runs:
        _draw(folder / CURVES, lambda: _curves(runs, config, numbers, end))  # the last: where it is, all are


def _curves(runs: Sequence[Sequence[Row]], config: Mapping[str, Any], numbers: Numbers, end: End) -> Figure | None:
    from sparsetune.report.curves import TrainedRuns, curves_figure

    chosen = end.state == "COMPLETE" and config["training"]["keep"] == "best"
    kept = [_best(rows) for rows in runs if rows] if chosen else []
    longest = max(runs, key=len)
    broke = (longest[-1].step * 2 - longest[-2].step if len(longest) > 1 else len(longest) + 1) if end.broke else None
    return curves_figure(TrainedRuns(runs, kept, numbers.objectives, numbers.table, broke, end.reason))


def _best(rows: Sequence[Row]) -> int:
    """Where a run's best state is, in what its rows are drawn over."""
    last = [row for row in rows if row.phase == rows[-1].phase]
    if unit(rows) == "epoch":
        return int(rows[-1].metrics["best_epoch"])
    return min(last, key=lambda row: row.metrics["val_loss"]).step


def _controller(trace: Path, method: Mapping[str, Any]) -> Figure | None:
    from sparsetune.report.controller import controller_figure

    if "target_activation" not in method:
        return None
    unit = "" if method.get("normalize") == "ema" else METRICS["threshold"].unit
    return controller_figure(trace, method["target_activation"], unit)


def _layers(rows: Sequence[Row]) -> Figure | None:
    from sparsetune.report.layers import density_figure, layer_curves

    curves = layer_curves(rows)
    return density_figure(curves, unit(rows)) if curves else None


def _draw(path: Path, figure: Callable[[], Figure | None]) -> None:
    from sparsetune.report.canvas import save

    with contextlib.suppress(Exception):
        drawing = figure()
        if drawing is not None:
            save(drawing, path)

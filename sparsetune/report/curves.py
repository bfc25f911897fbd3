"""A figure of how a training went: losses, accuracies and the objectives' numbers over its epochs."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sparsetune.base.messages import Row
from sparsetune.config.metrics import Metric
from sparsetune.report.canvas import (
    GREY,
    INK,
    SMALL,
    WIDTH,
    Margins,
    blank,
    counts_axis,
    legend,
    padded,
    values_axis,
    written,
)
from sparsetune.report.panels import Line, line, mean_line, panels, phases, unit
from sparsetune.sparsity.methods import METRICS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TRAINING, VALIDATION, OTHER, BROKEN = "#d9822b", "#1f5fa8", "#2c7a4b", "#c0272d"
_HEIGHTS = {1: 3.6, 2: 2.3, 3: 1.75}  # inches of axes, by how many there are
_LEAST = 1.5
_FEW = 15  # epochs up to which each is a dot
_LETTERS, _LINES = 118, 3  # of a reason
_LETTER = 0.063  # inches that a small letter takes
_RING: dict[str, Any] = {"marker": "o", "markersize": 5.5, "markerfacecolor": "none", "linewidth": 0}


@dataclass(frozen=True)
class TrainedRuns:
    """What one figure shows: a run, or a row of the study with several replicates.

    Attributes:
        runs: the rows of each replicate; of a run its own.
        kept: the epoch of the state that each has kept, where that need not be its last one.
        objectives: names of the study's numbers.
        table: of all metrics.
        broke: the epoch in which it came to nothing.
        reason: why it failed.
    """

    runs: Sequence[Sequence[Row]]
    kept: Sequence[int] = ()
    objectives: Sequence[str] = ()
    table: Mapping[str, Metric] = field(default_factory=lambda: METRICS)
    broke: int | None = None
    reason: str = ""


def curves_figure(trained: TrainedRuns) -> Figure | None:
    """Draw it; None where no epoch has a finite number."""
    shown = panels(trained.runs, trained.objectives, trained.table)
    if not shown:
        return None
    longest = max(trained.runs, key=len)
    steps, said = phases(longest), textwrap.wrap(trained.reason, _LETTERS, max_lines=_LINES, placeholder=" ...")
    margins = Margins(top=0.55 if steps else 0.38, bottom=0.52 + 0.16 * len(said))
    drawing, panes = blank(len(shown), _HEIGHTS.get(len(shown), _LEAST), margins)
    last = max(longest[-1].step, trained.broke or 0)
    room = 0.015 * (last - 1) or 0.5
    for axes, panel in zip(panes, shown, strict=True):
        axes.set_xlim(1 - room, last + room)
        roles = (TRAINING, VALIDATION) if len(panel.names) == 2 else (OTHER,)
        roles = (VALIDATION,) if panel.names[0].startswith("val_") else roles
        drawn = [
            value
            for name, colour in zip(panel.names, roles, strict=True)
            for value in _draw(axes, [line(rows, name) for rows in trained.runs], colour)
        ]
        values_axis(axes, panel.label, *padded(drawn, log=panel.log), log=panel.log)
        for _, first in steps[1:]:
            axes.axvline(first - 0.5, color=GREY, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
        if len(trained.kept) == 1:
            axes.axvline(trained.kept[0], color=INK, linewidth=0.8, zorder=1)
        if trained.broke is not None:
            axes.axvline(trained.broke, color=BROKEN, linewidth=1.2, linestyle=(0, (4, 2)), zorder=1)
    counts_axis(panes[-1], unit(longest), 1 - room, last + room)
    if steps:
        _name_phases(panes[0], steps, WIDTH - margins.left - margins.right)
    if len(trained.runs) > 1:
        _mark_kept(panes[0], trained, shown[0].names[-1])
    legend(drawing, _handles(trained, {name for panel in shown for name in panel.names}), margins)
    for number, words in enumerate(said):
        below = 0.07 + 0.16 * (len(said) - 1 - number)
        at = 0.13 / WIDTH, below / drawing.get_size_inches()[1]
        drawing.text(*at, written(words), color=BROKEN, fontsize=SMALL, va="bottom")
    return drawing


def _draw(axes: Axes, lines: Sequence[Line], colour: str) -> list[float]:
    """Each line, of several thin and their mean thick; returns the finite values."""
    thin: dict[str, Any] = {"color": colour, "linewidth": 1.6, "solid_joinstyle": "round"}
    if len(lines) > 1:
        thin |= {"linewidth": 0.8, "alpha": 0.5}
    dot: dict[str, Any] = {"marker": "o", "markersize": 3.2 if len(lines) == 1 else 1.8}
    for epochs, values in lines:
        dots = dot if len(epochs) <= _FEW else {}
        axes.plot(epochs, values, **thin, **dots)
    if len(lines) > 1:
        epochs, values = mean_line(lines)
        axes.plot(epochs, values, color=colour, linewidth=2.2, marker="o" if len(epochs) == 1 else None)
    return [value for _, values in lines for value in values if math.isfinite(value)]


def _mark_kept(axes: Axes, trained: TrainedRuns, name: str) -> None:
    """A ring on each replicate's line where the state that it keeps is."""
    for rows, epoch in zip(trained.runs, trained.kept, strict=False):
        values = dict(zip(*line(rows, name), strict=True))
        if epoch in values:
            axes.plot([epoch], [values[epoch]], color=INK, **_RING)


def _name_phases(axes: Axes, steps: Sequence[tuple[str, int]], inches: float) -> None:
    """Each phase's name above its first epoch, as far as there is room; those of long phases go first."""
    low, high = axes.get_xlim()
    starts = [max(low, first - 0.5) for _, first in steps]
    lengths = [end - start for start, end in zip(starts, [*starts[1:], high], strict=True)]
    taken: list[tuple[float, float]] = []
    for number in sorted(range(len(steps)), key=lengths.__getitem__, reverse=True):
        name, start = steps[number][0], starts[number]
        end = start + (len(name) + 1) * _LETTER * (high - low) / inches
        if all(end <= before or start >= after for before, after in taken):
            taken.append((start, end))
            how: dict[str, Any] = {"transform": axes.get_xaxis_transform(), "va": "bottom"}
            axes.text(start, 1.02, written(name), fontsize=SMALL, color=GREY, **how)


def _handles(trained: TrainedRuns, names: set[str]) -> list[dict[str, Any]]:
    """What :func:`legend` takes."""
    several = len(trained.runs)
    handles: list[dict[str, Any]] = []
    for prefix, label, colour in (("train_", "training", TRAINING), ("val_", "validation", VALIDATION)):
        if any(name.startswith(prefix) for name in names):
            handles.append({"color": colour, "linewidth": 2.0, "label": label})
    if several > 1:
        handles.append({"color": GREY, "linewidth": 2.2, "label": f"mean of {several} seeds"})
        handles.append({"color": GREY, "linewidth": 0.8, "label": "each seed"})
    if trained.kept:
        label = "kept state" if several > 1 else f"kept state: {unit(trained.runs[0])} {trained.kept[0]}"
        mark: dict[str, Any] = _RING if several > 1 else {"marker": "|", "markersize": 11, "linewidth": 0}
        handles.append({"color": INK, "label": label, **mark})
    if trained.broke is not None:
        label = f"broke in {unit(trained.runs[0])} {trained.broke}"
        handles.append({"color": BROKEN, "linewidth": 1.2, "linestyle": (0, (2, 1)), "label": label})
    return handles

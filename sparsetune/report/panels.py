"""Which numbers of a training are drawn over its epochs, and which of them together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from sparsetune.base.messages import Row
from sparsetune.config.metrics import Metric, metric_of

Line = tuple[list[int], list[float]]  # epochs and values; NaN where there is no finite one

_LOG_FROM = 10.0  # losses that differ by this factor are drawn on a logarithmic axis
_LOSSES = (("val_accuracy", "nats"), ("sigma", "bits, without log2(2 pi) / 2"))  # of rows with such a number
_QUALITY = ("accuracy", "r2", "mse")  # beside the loss: the first that the rows have


@dataclass(frozen=True)
class Panel:
    """Numbers that share axes.

    Attributes:
        label: what they are, with their unit.
        names: of the metrics; where there are two, training's comes first.
        log: they are positive and differ by decades.
    """

    label: str
    names: tuple[str, ...]
    log: bool = False


def panels(runs: Sequence[Sequence[Row]], objectives: Sequence[str], table: Mapping[str, Metric]) -> list[Panel]:
    """Losses, what else tells how good a network is, and each objective's number that the rows have beside them.

    Args:
        runs: the rows of each run that is drawn.
        objectives: names of their numbers.
        table: of the metrics, for units.
    """
    first = next((rows[0].metrics for rows in runs if rows), {})
    chosen = [_pair("loss", first, next((unit for name, unit in _LOSSES if name in first), "mean squared error"))]
    quality = next((name for name in _QUALITY if f"val_{name}" in first), None)
    if quality is not None:
        chosen.append(_pair(quality, first, table[f"val_{quality}"].unit))
    shown = {name for panel in chosen for name in panel.names}
    for name in objectives:
        if name in first and name not in shown:
            metric = metric_of(name, table)
            chosen.append(Panel(_label(name, metric.unit if metric else ""), (name,)))
    drawn = [panel for panel in chosen if any(_finite(runs, name) for name in panel.names)]
    return [_scaled(panel, runs) for panel in drawn]


def line(rows: Sequence[Row], name: str) -> Line:
    """A metric by epoch, or by iteration, of those rows that have it."""
    having = [row for row in rows if name in row.metrics]
    values = (row.metrics[name] for row in having)
    return [row.step for row in having], [value if math.isfinite(value) else math.nan for value in values]


def mean_line(lines: Sequence[Line]) -> Line:
    """The mean by epoch, of those epochs that all have."""
    by_epoch = [dict(zip(*each, strict=True)) for each in lines]
    shared = [epoch for epoch in by_epoch[0] if all(epoch in each for each in by_epoch)]
    return shared, [sum(each[epoch] for each in by_epoch) / len(by_epoch) for epoch in shared]


def phases(rows: Sequence[Row]) -> list[tuple[str, int]]:
    """The stages with the first row of each; none where there is one."""
    named = [(name, next(group).step) for name, group in groupby(rows, key=lambda row: row.phase)]
    return named if len(named) > 1 else []


def unit(rows: Sequence[Row]) -> str:
    """What rows are drawn over."""
    return "epoch" if all(row.step == row.epoch for row in rows) else "iteration"


def _pair(name: str, metrics: Mapping[str, float], unit: str) -> Panel:
    names = tuple(each for each in (f"train_{name}", f"val_{name}") if each in metrics)
    return Panel(_label(name if len(names) > 1 else names[0], unit) if names else name, names)


def _label(name: str, unit: str) -> str:
    words = name.replace("_", " ")
    return f"{words} ({unit})" if unit else words


def _finite(runs: Sequence[Sequence[Row]], name: str) -> list[float]:
    values = [value for rows in runs for value in line(rows, name)[1]]
    return [value for value in values if math.isfinite(value)]


def _scaled(panel: Panel, runs: Sequence[Sequence[Row]]) -> Panel:
    """Losses on a logarithmic axis where they differ by decades."""
    if not panel.label.startswith("loss"):
        return panel
    values = [value for name in panel.names for value in _finite(runs, name)]
    log = min(values) > 0 and max(values) > _LOG_FROM * min(values)
    return Panel(panel.label, panel.names, log)

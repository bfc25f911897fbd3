"""Numbers of several replicates: means, with the half of their 95 % interval by Student's t.

Trials and branches have their seeds in common, so what two of them differ by is a mean of differences, seed by seed,
with an interval of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from sparsetune.base.layout.text import number
from sparsetune.base.messages import Trial
from sparsetune.config.study.rows import mean_and_error
from sparsetune.report.looks import half_width

_LARGE = 1000  # from here on whole numbers
_ROUNDING = 1e-12  # of a mean: less is none


@dataclass(frozen=True)
class Interval:
    """A mean, and the half of its 95 % interval; None of one replicate."""

    mean: float
    half: float | None = None

    @property
    def noise(self) -> bool:
        """Whether it holds 0, or nothing says: of few seeds that differ all by the same there is no interval either."""
        return not self.half or abs(self.mean) <= self.half


def measured_at(row: Trial, metric: str) -> Interval:
    """A number of a row."""
    several = len(row.runs) > 1 and metric in row.errors
    return Interval(row.metrics[metric], half_width(row.errors[metric], len(row.runs)) if several else None)


def paired(one: Trial, other: Trial, metric: str) -> Interval:
    """What a number of two rows differs by: the first minus the second, of the seeds that both have."""
    of_other = {run.key.seed: run.metrics[metric] for run in other.runs if metric in run.metrics}
    both = [run for run in one.runs if metric in run.metrics and run.key.seed in of_other]
    if len(both) < 2:
        return Interval(one.metrics[metric] - other.metrics[metric])
    mean, error = mean_and_error([{metric: run.metrics[metric] - of_other[run.key.seed]} for run in both])
    half, size = half_width(error.get(metric), len(both)), max(abs(one.metrics[metric]), abs(other.metrics[metric]))
    return Interval(mean[metric], 0.0 if half < _ROUNDING * size else half)


def said(value: Interval) -> str:
    """``0.971 ± 0.011`` and ``49,300 ± 3,300``: the half of the interval in two digits."""
    if not value.half or value.half < _ROUNDING * abs(value.mean):
        mean = f"{value.mean:,.0f}" if abs(value.mean) >= _LARGE else number(value.mean, 4)
        return mean if value.half is None else f"{mean} ± 0"
    places = 1 - int(f"{value.half:.1e}".partition("e")[2])
    mean, half = (f"{round(each, places) + 0.0:,.{max(0, places)}f}" for each in (value.mean, value.half))
    return f"{mean} ± {half}"

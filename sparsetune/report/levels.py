"""What the levels of a trial's runs have come to: by branch, means over replicates. For a figure and for tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sparsetune.base.messages import Result, Trial
from sparsetune.config.study.rows import mean_and_error
from sparsetune.sparsity.figure import OverLevels

Runs = Sequence[Sequence[Result]]  # of each replicate, in the order of its levels


class Point(NamedTuple):
    """A level of several replicates.

    Attributes:
        over: where it stands, such as a density.
        mean: of what is shown.
        error: its standard error; None of one replicate.
        replicates: how many.
    """

    over: float
    mean: float
    error: float | None
    replicates: int


class Panel(NamedTuple):
    """One number of all branches, with its label."""

    label: str
    lines: dict[str, list[Point]]


def runs_by_branch(trial: Trial) -> dict[str, Runs]:
    """Results of the runs that have any, by what tells a branch from others in few letters; else by the method."""
    ended = [run for run in trial.runs if run.results]
    branches = dict.fromkeys(run.key.branch for run in ended)
    short = {branch: branch.rpartition("=")[2] or trial.config["method"]["name"] for branch in branches}
    names = short if len({*short.values()}) == len(short) else {branch: branch for branch in branches}
    return {names[branch]: [run.results for run in ended if run.key.branch == branch] for branch in branches}


def panels(branches: Mapping[str, Runs], wanted: OverLevels) -> list[Panel]:
    """Of each panel the first number that all results have; none where no run has two levels."""
    shown = {branch: [_shown(run, wanted) for run in runs] for branch, runs in branches.items()}
    results = [each.metrics for runs in shown.values() for run in runs for each in run]
    drawn = []
    for panel in wanted.panels:
        metric = next((name for name in panel if results and all(name in each for each in results)), None)
        if metric is not None:
            lines = {branch: _points(runs, wanted.over, metric) for branch, runs in shown.items()}
            drawn.append(Panel(panel[metric], lines))
    return drawn if any(len(line) > 1 for panel in drawn for line in panel.lines.values()) else []


def _shown(run: Sequence[Result], wanted: OverLevels) -> list[Result]:
    return [each for each in run if each.which == wanted.which and each.metrics.get(wanted.over, 0) > 0]


def _points(runs: Runs, over: str, metric: str) -> list[Point]:
    """Level by level, of those that all replicates have."""
    points = []
    for level in zip(*runs, strict=False):
        means, errors = mean_and_error([each.metrics for each in level])
        points.append(Point(means[over], means[metric], errors.get(metric), len(level)))
    return points

"""A method's figures as data: what it traced, over the steps of a training, and what its results are, over levels.

``report/steps.py`` and ``report/levels.py`` draw them.
"""

from __future__ import annotations

from dataclasses import dataclass

from sparsetune.base.messages import Which


@dataclass(frozen=True)
class Panel:
    """Axes over the steps.

    Attributes:
        trace: what is drawn: a name of :meth:`~sparsetune.sparsity.method.Method.trace`.
        label: of the y axis, with the unit.
        limits: of the y axis; None: as the values want it, on a log scale where they span more than a decade.
        averaged: single steps are pale, and a moving mean shows the way.
        target: where a line stands for what the values should be.
    """

    trace: str
    label: str
    limits: tuple[float, float] | None = None
    averaged: bool = False
    target: float | None = None


@dataclass(frozen=True)
class Compared:
    """Axes over the levels of a training, for the results of several runs.

    Attributes:
        metrics: what is drawn: the first of these that results have.
        label: of the y axis, with the unit.
    """

    metrics: tuple[str, ...]
    label: str


@dataclass(frozen=True)
class Levels:
    """A figure of a run's results: a line for each branch, its points means over replicates.

    Attributes:
        over: the metric that falls from level to level, positive; the x axis is logarithmic, in percent.
        label: of the x axis.
        which: the state of each level that is shown.
        panels: one below the other.
    """

    over: str
    label: str
    which: Which
    panels: tuple[Compared, ...]

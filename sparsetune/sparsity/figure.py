"""A method's figures as data: what it traced, over the steps of a training, and what its results are, over levels.

``report/steps.py`` and ``report/levels.py`` draw them.
"""

from __future__ import annotations

from collections.abc import Mapping
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
class OverLevels:
    """A figure of the results that runs have at their levels: a line for each branch, of means over replicates.

    Attributes:
        over: the metric that falls from level to level, positive; the x axis is logarithmic, in percent.
        label: of the x axis.
        first: what the first level is called, which a line across shows.
        which: the state of each level that is shown.
        panels: one below the other: metrics with labels of the y axis, of which the first that results have is drawn.
    """

    over: str
    label: str
    first: str
    which: Which
    panels: tuple[Mapping[str, str], ...]

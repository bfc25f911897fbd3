"""A method's figure as data: what it traced, over the steps of a training. ``report/steps.py`` draws it."""

from __future__ import annotations

from dataclasses import dataclass


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

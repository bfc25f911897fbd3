"""Which rows of a study win: complete, within all constraints, and beaten by no other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isnan

from sparsetune.base.messages import Trial
from sparsetune.config.metrics import Goal
from sparsetune.config.study.front import Front


@dataclass(frozen=True)
class Winners:
    """Rows, the best first.

    Attributes:
        front: the Pareto front by the first objective; with one objective the best row, the earliest of equal ones.
        best: for each objective a row of the front that is best in it; empty if no row may win.
    """

    front: list[Trial]
    best: list[Trial]


def may_win(row: Trial) -> bool:
    """Whether it is complete, meets all constraints and has its ``values`` as numbers."""
    return row.state == "COMPLETE" and row.feasible and bool(row.values) and not any(map(isnan, row.values))


def chosen_rows(which: str, rows: Sequence[Trial], goals: Sequence[Goal]) -> list[Trial]:
    """Each once: those of the ``front``, the ``best`` by each objective, or ``all`` that are complete."""
    won = best_rows(rows, goals)
    named = {
        "none": [],
        "front": won.front,
        "best": won.best,
        "all": [row for row in rows if row.state == "COMPLETE"],
    }[which]
    return list({(row.number, row.branch): row for row in named}.values())


def best_rows(rows: Iterable[Trial], goals: Sequence[Goal]) -> Winners:
    """The winners among rows that have ``values``."""
    found = Front[Trial](goals)
    for row in rows:
        if may_win(row):
            found.add(row, row.values)
    front = found.some(len(found))
    best = [each[1] for each in found.best if each is not None]
    return Winners(front[:1] if len(goals) == 1 else front, best)

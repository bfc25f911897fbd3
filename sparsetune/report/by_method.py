"""The methods of a study beside one another: the best of each, how far it is behind, and where each one leads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from sparsetune.base.layout.text import heading, number
from sparsetune.base.messages import Trial
from sparsetune.config.study.file import Objective
from sparsetune.config.study.front import best_rows, may_win
from sparsetune.report.paired import Interval, paired


@dataclass(frozen=True)
class Standing:
    """A method among others.

    Attributes:
        trials: that are complete and meet all constraints.
        on_front: of the rows of the study's front, those that are its own.
        best: for each objective its best row.
        apart: for each objective what that row differs by from the best of all methods, paired by seed; None of these.
    """

    method: str
    trials: int
    on_front: int
    best: tuple[Trial, ...] = ()
    apart: tuple[Interval | None, ...] = ()


def method_of(row: Trial) -> str:
    """The name of the method that was trained."""
    return str(row.config.get("method", {}).get("name", ""))


def by_method(rows: Iterable[Trial]) -> dict[str, list[Trial]]:
    """Complete rows by their method, in the order in which methods first come; those that may win, of some none."""
    complete = [row for row in rows if row.state == "COMPLETE"]
    names = dict.fromkeys(map(method_of, complete))
    return {name: [row for row in complete if method_of(row) == name and may_win(row)] for name in names}


def standings(rows: Sequence[Trial], objectives: Sequence[Objective]) -> list[Standing]:
    """Of each method, the one that is best in the first objective first; those of which no row may win last."""
    goals = [each.goal for each in objectives]
    methods = by_method(rows)
    won = best_rows([row for own in methods.values() for row in own], goals)
    stands = [
        Standing(
            name,
            len(own),
            sum(method_of(row) == name for row in won.front),
            tuple(best := best_rows(own, goals).best),
            tuple(
                None if method_of(first) == name else paired(mine, first, objective.metric)
                for mine, first, objective in zip(best, won.best, objectives, strict=True)
            ),
        )
        for name, own in methods.items()
        if own
    ]
    sign = -1 if goals[0] == "maximize" else 1
    stands.sort(key=lambda each: (each.apart[0] is not None, sign * each.best[0].values[0]))
    return [*stands, *(Standing(name, 0, 0) for name, own in methods.items() if not own)]


def who_leads(front: Sequence[Trial], objectives: Sequence[Objective]) -> str:
    """Along the front, from the best by the first objective on: ``drr from val accuracy 0.98 to 0.97, slt at 0.96``."""
    first = objectives[0].metric
    parts = []
    for name, rows in groupby(front, key=method_of):
        ends = [number(row.metrics[first], 4) for row in rows]
        parts.append(f"{name} {f'from {ends[0]} to {ends[-1]}' if ends[0] != ends[-1] else f'at {ends[0]}'}")
    return f"By {heading(first)}, from the best down: {', '.join(parts)}."


def own_front(rows: Iterable[Trial], pair: Sequence[Objective]) -> list[Trial]:
    """Of the rows of one method those that no other beats in these objectives, the best by the first one first."""
    alone = (replace(row, values=tuple(row.metrics[each.metric] for each in pair)) for row in rows)
    return best_rows(alone, [each.goal for each in pair]).front

"""The methods of a study as a table for the terminal, and what it says in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table

from sparsetune.base.layout.text import heading
from sparsetune.config.study.file import Objective
from sparsetune.report.by_method import Standing
from sparsetune.report.paired import Interval, measured_at, said
from sparsetune.report.tables import plain_table


def methods_table(stands: Sequence[Standing], objectives: Sequence[Objective]) -> Table:
    """A line a method: its trials, its part of the front, and for each objective its best with the trial's number."""
    table = plain_table("By method")
    front = ["on the front"] if len(objectives) > 1 else []
    for name in ("method", "may win", *front, *(f"best {heading(each.metric)}" for each in objectives)):
        table.add_column(name, justify="left" if name == "method" else "right")
    for each in stands:
        best = zip(each.best, objectives, strict=False)
        table.add_row(
            each.method,
            str(each.trials),
            *([str(each.on_front)] if front else []),
            *(f"{said(measured_at(row, one.metric))} ({row.label})" for row, one in best),
        )
    return table


def in_words(stands: Sequence[Standing], objectives: Sequence[Objective]) -> Iterator[str]:
    """By the first objective: which methods are behind the best by more than seeds make up, and which may not be.

    Where seeds all say the same difference there is no interval, only the difference.
    """
    leader, *others = [each for each in stands if each.best]
    first = heading(objectives[0].metric)
    apart = [(each.method, each.apart[0]) for each in others if each.apart[0] and each.apart[0].half is not None]
    clear = [f"{name} {said(each)}" for name, each in apart if not each.noise]
    alike = [f"{name} {said(Interval(each.mean))}" for name, each in apart if not each.half and each.mean]
    noise = [f"{name} {said(each)}" for name, each in apart if each.noise and (each.half or not each.mean)]
    if clear:
        yield f"Behind {leader.method} in {first}, seed by seed: {', '.join(clear)}."
    if alike:
        yield f"Behind {leader.method} in {first} by as much with each seed: {', '.join(alike)}."
    if noise:
        yield f"Not told from {leader.method} in {first} by so many seeds: {', '.join(noise)}."

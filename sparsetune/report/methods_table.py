"""The methods of a study as a table for the terminal, and what it says in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table

from sparsetune.base.layout.text import heading, number
from sparsetune.config.study.file import Objective
from sparsetune.report.by_method import Interval, Standing, measured_at
from sparsetune.report.tables import plain_table

_LARGE = 1000  # from here on whole numbers
_ROUNDING = 1e-12  # of a mean: less is none


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
    """By the first objective: which methods are behind the best by more than seeds make up, and which may not be."""
    leader, *others = [each for each in stands if each.best]
    first = heading(objectives[0].metric)
    apart = [(each.method, each.apart[0]) for each in others if each.apart[0] and each.apart[0].half is not None]
    clear = [f"{name} {said(each)}" for name, each in apart if not each.noise]
    noise = [f"{name} {said(each)}" for name, each in apart if each.noise]
    if clear:
        yield f"Behind {leader.method} in {first}, seed by seed: {', '.join(clear)}."
    if noise:
        yield f"Not told from {leader.method} in {first} by so many seeds: {', '.join(noise)}."


def said(value: Interval) -> str:
    """``0.971 ± 0.011`` and ``49,300 ± 3,300``: the half of the interval in two digits."""
    if not value.half or value.half < _ROUNDING * abs(value.mean):
        mean = f"{value.mean:,.0f}" if abs(value.mean) >= _LARGE else number(value.mean, 4)
        return mean if value.half is None else f"{mean} ± 0"
    places = 1 - int(f"{value.half:.1e}".partition("e")[2])
    mean, half = (f"{round(each, places) + 0.0:,.{max(0, places)}f}" for each in (value.mean, value.half))
    return f"{mean} ± {half}"

"""What a study of several methods says of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.text import Text

from sparsetune.base.messages import Trial
from sparsetune.config.study.file import Objective
from sparsetune.report.by_method import standings, who_leads
from sparsetune.report.methods_table import in_words, methods_table


def methods_compared(
    objectives: Sequence[Objective], rows: Sequence[Trial], front: Sequence[Trial]
) -> Iterator[RenderableType]:
    """A line a method, which of them leads where, and which differences seeds can tell; with an empty line after.

    Nothing where all complete rows are of one.

    Args:
        front: the rows that win, at least one.
    """
    stands = standings(rows, objectives)
    if len(stands) < 2:
        return
    yield methods_table(stands, objectives)
    yield Text()
    if len(objectives) > 1:
        yield Text(who_leads(front, objectives))
    yield from map(Text, in_words(stands, objectives))
    seeds = max(len(row.runs) for row in front)
    if seeds > 1:
        yield Text(f"Here ± is the half of a 95 % interval over {seeds} seeds, by Student's t.")
    yield Text()

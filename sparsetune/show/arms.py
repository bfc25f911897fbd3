"""What a study of several arms says of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.text import Text

from sparsetune.base.messages import Trial
from sparsetune.config.registry import Registry
from sparsetune.report.arms_table import arms_tables
from sparsetune.report.by_arm import by_arm

MOST_CELLS = 8


def arms_compared(
    methods: Registry, metrics: Sequence[str], rows: Sequence[Trial], front: Sequence[Trial]
) -> Iterator[RenderableType]:
    """The arms of each cell beside one another, of many cells those that win; each table with an empty line after.

    Nothing where no method has arms, or one of them alone was trained.

    Args:
        front: the rows that win, at least one.
    """
    cells = by_arm(rows, methods)
    if len(cells) > MOST_CELLS:
        numbers = {row.number for row in front}
        cells = [cell for cell in cells if any(row.number in numbers for row in cell.arms.values())][:MOST_CELLS]
    for table in arms_tables(cells, metrics) if cells else ():
        yield table
        yield Text()
    seeds = max((len(row.runs) for cell in cells for row in cell.arms.values()), default=0)
    if seeds > 1:
        yield Text(f"Differences are paired by seed; ± is the half of a 95 % interval over {seeds} seeds.")
        yield Text()

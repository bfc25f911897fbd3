"""What a study would draw, before it is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import optuna

from sparsetune.config.study.study import Study
from sparsetune.search.cell import Cell
from sparsetune.search.points import in_turn


@dataclass(frozen=True)
class Drawn:
    """A trial that a study would begin.

    Attributes:
        params: what is drawn, and the values of factors.
        config: the whole trial config.
    """

    params: dict[str, Any]
    config: dict[str, Any]


def preview(study: Study, count: int) -> list[Drawn]:
    """The first trials of a new study if every trial failed; nothing is stored."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    searched = [Cell(study, factors) for factors in study.cells]
    drawn = []
    for number in range(count):
        cell = searched[in_turn([len(each) for each in searched], study.sizes)]
        asked, config, _ = cell.ask()
        cell.tell(asked.number, "FAIL", None, {}, {})
        drawn.append(Drawn(cell.whole(asked, number).params, config))
    return drawn

"""Arms beside one another: what a method trains, and the controls that it is held against, in each cell of a study."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sparsetune.base.messages import Trial
from sparsetune.config.registry import Registry
from sparsetune.report.by_method import method_of
from sparsetune.report.paired import Interval, paired


@dataclass(frozen=True)
class Cell:
    """Rows that differ by their arm alone.

    Attributes:
        values: what was varied beside it, by dotted name.
        arms: the rows by what each trains; the first is held against the others.
    """

    values: Mapping[str, Any]
    arms: dict[str, Trial] = field(default_factory=dict)

    @property
    def first(self) -> str:
        """What is held against controls."""
        return next(iter(self.arms))

    def apart(self, control: str, metric: str) -> Interval:
        """What a number of the first arm is more than a control's, paired by seed."""
        return paired(self.arms[self.first], self.arms[control], metric)


def arms_setting(methods: Registry, row: Trial) -> str:
    """The dotted name of what says which arm a row's method trains; empty where it has none."""
    name = method_of(row)
    arms = methods.get(name).arms if name in methods.names() else ""
    return f"method.{arms}" if arms else ""


def by_arm(rows: Iterable[Trial], methods: Registry) -> list[Cell]:
    """The cells with several arms, be they a fork or varied by the space; of rows that are alike the first counts."""
    cells: dict[str, Cell] = {}
    for row in rows:
        setting = arms_setting(methods, row)
        if row.state == "COMPLETE" and setting in row.params:
            values = {name: value for name, value in row.params.items() if name != setting}
            cell = cells.setdefault(repr(sorted(values.items())), Cell(values))
            cell.arms.setdefault(str(row.params[setting]), row)
    return [cell for cell in cells.values() if len(cell.arms) > 1]


def comparable(cells: Sequence[Cell], metrics: Iterable[str]) -> list[str]:
    """Those of the metrics that all arms of all cells have, each with its twin on test data."""
    names = dict.fromkeys(each for name in metrics for each in (name, name.replace("val_", "test_", 1)))
    return [name for name in names if all(name in row.metrics for cell in cells for row in cell.arms.values())]

"""At a few epochs of each phase, the rungs, it is noted what every trial had: little is kept of a long plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sparsetune.base.messages import Metrics, State
from sparsetune.config.study.file import Objective

Rung = tuple[str, int]  # a phase of the plan, and epochs of it done so far


def is_rung(since: int, first: int, factor: float) -> bool:
    """Whether trials are compared after that many epochs: after ``first``, ``first * factor``, ..., rounded."""
    at = float(first)
    while round(at) < since:
        at *= factor
    return round(at) == since


def losses_of(metrics: Metrics, objectives: Sequence[Objective]) -> tuple[float, ...] | None:
    """A value for each objective, the less the better; None where one is missing."""
    if not all(objective.metric in metrics for objective in objectives):
        return None
    return tuple(
        -metrics[objective.metric] if objective.goal == "maximize" else metrics[objective.metric]
        for objective in objectives
    )


@dataclass(frozen=True)
class Reached:
    """What a trial had when it came to a rung."""

    losses: tuple[float, ...]  # the less, the better
    density: float = 1.0


@dataclass
class Rungs:
    """Who came to which rung with what."""

    reached: dict[Rung, dict[int, Reached]] = field(default_factory=dict)

    def enter(self, number: int, rung: Rung, reached: Reached) -> bool:
        """Note it; False where that was done before: after a restart a worker repeats its rows."""
        return self.reached.setdefault(rung, {}).setdefault(number, reached) is reached

    def record(self, number: int) -> list[list[Any]]:
        """Of a trial, for :meth:`restore`, as JSON has it."""
        return [
            [phase, since, list(others[number].losses), others[number].density]
            for (phase, since), others in self.reached.items()
            if number in others
        ]

    def ended(self, number: int, state: State) -> None:
        if state == "FAIL":  # it leads nowhere, and should stop nobody
            for others in self.reached.values():
                others.pop(number, None)

    def restore(self, number: int, state: State, record: Any) -> None:
        """Take a trial of an earlier run; the record of a pruner without rungs has none."""
        if state == "FAIL" or not isinstance(record, Mapping):
            return
        for phase, since, losses, density in record.get("rungs", ()):
            self.enter(number, (phase, since), Reached(tuple(losses), density))

"""What a training has written down, stage by stage, and the rows of a branch, which are made of it.

An entry counts from its stage's beginning. Where on the way of a branch that is, and what the way has cost, the
branch's own tree says: so branches share entries, and have the rows that each would have by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sparsetune.base.messages import Metrics, Row
from sparsetune.measures.cost import Cost, SampleFlops, cost_numbers
from sparsetune.training.walk.union import Step


@dataclass(frozen=True)
class Entry:
    """One evaluation of a stage in one setting.

    Attributes:
        number: of the evaluation in the stage, from 1; 0 is before its first step.
        iterations: since the stage began; so
        epochs: whole ones, and
        cost: and of that
        since: what came after the evaluation before.
        best: epochs of the stage's evaluation with the lowest loss on validation data so far.
        metrics: all numbers that are the same wherever the stage stands.
        done: share of what all branches are to train.
    """

    number: int
    timestamp_ms: int
    iterations: int
    epochs: int
    best: int
    metrics: Metrics
    cost: Cost = field(default_factory=Cost)
    since: Cost = field(default_factory=Cost)
    done: float = 0.0

    def to_plain(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Entry:
        return cls(**{**plain, "cost": Cost(**plain["cost"]), "since": Cost(**plain["since"])})


@dataclass
class Written:
    """What is known of a view of a stage.

    Attributes:
        entries: those that are kept as rows.
        start: before the first step, where that was measured.
        last: the newest entry; of a view that has ended, that of its last evaluation.
        best: that of the lowest loss on validation data, where this is a result.
        end: key of the state in which it has ended; empty while it trains.
    """

    entries: list[Entry] = field(default_factory=list)
    start: Metrics = field(default_factory=dict)
    last: Entry | None = None
    best: Entry | None = None
    end: str = ""

    def add(self, entry: Entry, *, row: bool, best: bool) -> None:
        """Take up an entry.

        Args:
            row: it is kept as one.
            best: no earlier one has so low a loss on validation data.
        """
        if row:
            self.entries.append(entry)
        if best:
            self.best = entry
        self.last = entry

    def state_dict(self) -> dict[str, Any]:
        """All but the entries, as plain values."""
        last, best = (None if each is None else each.to_plain() for each in (self.last, self.best))
        return {"start": dict(self.start), "last": last, "best": best, "end": self.end, "rows": len(self.entries)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], entries: Sequence[Entry]) -> Written:
        last, best = (None if state[name] is None else Entry.from_plain(state[name]) for name in ("last", "best"))
        return cls(list(entries[: state["rows"]]), state["start"], last, best, state["end"])


@dataclass(frozen=True)
class Way:
    """What lies before a stage on the way of a branch."""

    cost: Cost = field(default_factory=Cost)
    epochs: int = 0
    iterations: int = 0

    def after(self, last: Entry | None) -> Way:
        """What lies before the stages that follow one that has ended with this entry."""
        if last is None:
            return self
        return Way(self.cost + last.cost, self.epochs + last.epochs, self.iterations + last.iterations)


class Assembly:
    """Makes the rows of branches."""

    def __init__(self, flops: SampleFlops, watts: float | None, *, by_iterations: bool) -> None:
        self._flops, self._watts, self._by_iterations = flops, watts, by_iterations

    def row(self, entry: Entry, step: Step, way: Way, number: int) -> Row:
        """A branch's row: an entry, where it is on the branch's way."""
        cost = cost_numbers(way.cost + entry.cost, entry.since, self._flops, self._watts)
        stage = step.node.stage
        epochs, iterations = way.epochs + entry.epochs, way.iterations + entry.iterations
        return Row(
            epochs,
            entry.timestamp_ms,
            {**entry.metrics, "best_epoch": float(way.epochs + entry.best), **cost},
            phase=stage.name,
            since=entry.number,
            settled=entry.number > stage.settle,
            number=number,
            iterations=iterations,
            step=iterations if self._by_iterations else epochs,
            done=entry.done,
        )

    def rows(self, steps: Sequence[tuple[Step, Written | None]], first: int = 0) -> Iterator[Row]:
        """The rows of a branch so far, but for the first few.

        Args:
            steps: its stages in their order, with what is written of them.
        """
        ways: dict[int, Way] = {}
        number = 0
        for step, written in steps:
            if written is None:
                continue
            way = ways.get(id(step.parent), Way())
            ways[id(step)] = way.after(written.last)
            skipped = min(max(0, first - number), len(written.entries))
            for place, entry in enumerate(written.entries[skipped:], number + skipped + 1):
                yield self.row(entry, step, way, place)
            number += len(written.entries)

    def way(self, steps: Sequence[tuple[Step, Written | None]], to: Step) -> Way:
        """What lies before a stage on its branch's way."""
        if to.parent is None:
            return Way()
        written = {id(step): found for step, found in steps}[id(to.parent)]
        assert written is not None
        return self.way(steps, to.parent).after(written.last)

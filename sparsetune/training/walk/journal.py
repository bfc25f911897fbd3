"""What a walk has written down, by stage and view, and the rows of a branch, which are made of it.

A note counts from its stage's beginning. Where on the way of a branch that is, and what the way has cost, the
branch's own tree says: so branches share notes, and have the rows that each would have by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sparsetune.base.messages import Metrics, Row
from sparsetune.measures.cost import Cost, SampleFlops, cost_numbers
from sparsetune.sparsity.method import TrainingFailed
from sparsetune.training.keys import digest
from sparsetune.training.walk.union import Looked, Node, Step, Union


@dataclass(frozen=True)
class Note:
    """One evaluation of a stage in one setting.

    Attributes:
        number: of the evaluation in the stage, from 1; 0 is before its first step.
        iterations: since the stage began; so
        epochs: whole ones, and
        cost: and of that
        since: what came after the evaluation before.
        best: epochs of the stage's evaluation with the lowest loss on validation data so far.
        best_iteration: iterations of the stage before that evaluation.
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
    best_iteration: int = 0

    def to_plain(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Note:
        return cls(**{**plain, "cost": Cost(**plain["cost"]), "since": Cost(**plain["since"])})


@dataclass
class Written:
    """What is written of a view of a stage.

    Attributes:
        notes: those that are kept as rows.
        start: before the first step, where that was measured.
        last: the newest note; of a view that has ended, that of its last evaluation.
        best: that of the lowest loss on validation data, where this is a result.
        end: key of the state in which it has ended; empty while it trains.
    """

    notes: list[Note] = field(default_factory=list)
    start: Metrics = field(default_factory=dict)
    last: Note | None = None
    best: Note | None = None
    end: str = ""

    def state_dict(self) -> dict[str, Any]:
        """All but the notes, as plain values."""
        last, best = (None if each is None else each.to_plain() for each in (self.last, self.best))
        return {"start": dict(self.start), "last": last, "best": best, "end": self.end, "rows": len(self.notes)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], notes: Sequence[Note]) -> Written:
        last, best = (None if state[name] is None else Note.from_plain(state[name]) for name in ("last", "best"))
        return cls(list(notes[: state["rows"]]), state["start"], last, best, state["end"])


@dataclass(frozen=True)
class Way:
    """What lies before a stage on the way of a branch."""

    cost: Cost = field(default_factory=Cost)
    epochs: int = 0
    iterations: int = 0

    def after(self, last: Note | None) -> Way:
        """What lies before the stages that follow one that has ended with this note."""
        if last is None:
            return self
        return Way(self.cost + last.cost, self.epochs + last.epochs, self.iterations + last.iterations)


class Journal:
    """Of one walk.

    Attributes:
        keys: the state keys of the nodes that have been begun, by number.
        written: by the key of a view.
        failed: why a branch has come to nothing.
    """

    def __init__(self, union: Union, flops: SampleFlops, watts: float | None) -> None:
        """
        Args:
            flops: of a sample.
            watts: the device's power, for an estimate of energy.
        """
        self._union, self._flops, self._watts = union, flops, watts
        self.keys: dict[int, str] = {}
        self.written: dict[str, Written] = {}
        self.failed: dict[str, TrainingFailed] = {}

    def of(self, node: Node, looked: Looked) -> Written:
        """What is written of a view of a stage that has been begun."""
        return self.written.setdefault(digest(self.keys[node.number], looked.key), Written())

    def alive(self, branches: Iterable[str]) -> bool:
        """Whether one of them has not failed."""
        return not self.failed.keys() >= {*branches}

    def open(self, node: Node, looked: Looked) -> bool:
        """Whether a view of a stage has neither ended nor come to nothing."""
        return not self.of(node, looked).end and self.alive(looked.branches)

    def fail(self, branches: Iterable[str], error: TrainingFailed) -> None:
        """These have come to nothing, if they had not before."""
        for branch in branches:
            self.failed.setdefault(branch, error)

    def left(self, node: Node) -> list[str]:
        """The branches of a stage's views that have not ended."""
        return [branch for looked in node.views if not self.of(node, looked).end for branch in looked.branches]

    def rows(self, branch: str, first: int = 0) -> Iterator[Row]:
        """The rows of a branch so far, but for the first few."""
        ways: dict[int, Way] = {}
        number = 0
        for step in self._union.steps[branch]:
            if step.node.number not in self.keys:
                continue
            written, way = self.of(step.node, step.looked), ways.get(id(step.parent), Way())
            ways[id(step)] = way.after(written.last)
            notes = written.notes
            skipped = min(max(0, first - number), len(notes))
            for position, note in enumerate(notes[skipped:], number + skipped + 1):
                yield self._row(note, step, way, position)
            number += len(notes)

    def row(self, step: Step, note: Note) -> Row:
        """The row that a note of a branch's stage makes."""
        return self._row(note, step, self._way(step), note.number)

    def _row(self, note: Note, step: Step, way: Way, number: int) -> Row:
        cost = cost_numbers(way.cost + note.cost, note.since, self._flops, self._watts)
        epochs, iterations = way.epochs + note.epochs, way.iterations + note.iterations
        return Row(
            epochs,
            note.timestamp_ms,
            {**note.metrics, **self._best(note, step.node, way), **cost},
            phase=step.node.stage.name,
            since=note.number,
            settled=note.number > step.node.stage.settle,
            number=number,
            iterations=iterations,
            step=iterations if self._union.by_iterations else epochs,
            done=note.done,
        )

    @staticmethod
    def _best(note: Note, node: Node, way: Way) -> Metrics:
        """When the lowest loss on validation data was; iterations count from where the schedule begins."""
        return {
            "best_epoch": float(way.epochs + note.best),
            "best_iteration": float(node.begins + note.best_iteration),
        }

    def _way(self, step: Step) -> Way:
        """What lies before a stage on its branch's way."""
        if step.parent is None:
            return Way()
        return self._way(step.parent).after(self.of(step.parent.node, step.parent.looked).last)

    def done(self, node: Node, position: int, epoch: int) -> float:
        """Share of all stages' iterations that are done, where training stands so far in one; an epoch has so many."""
        planned = {each.number: each.stage.duration.iterations(epoch) for each in self._union.nodes}
        ended = sum(planned[number] for number in self.keys if number != node.number)
        return (ended + position) / max(1, sum(planned.values()))

    def own_seconds(self, branch: str) -> float:
        """What the stages of a branch took beyond those that branches before it have, too."""
        names = list(self._union.steps)
        before = [step for name in names[: names.index(branch)] for step in self._union.steps[name]]
        return self._seconds([*before, *self._union.steps[branch]]) - self._seconds(before)

    def seconds_before(self, node: Node) -> float:
        """What all other stages took so far."""
        return self._seconds(step for steps in self._union.steps.values() for step in steps if step.node is not node)

    def _seconds(self, steps: Iterable[Step]) -> float:
        """What these took, equal stages with equal starts once."""
        spent: dict[str, float] = {}
        for step in steps:
            last = self.of(step.node, step.looked).last if step.node.number in self.keys else None
            if last is not None:
                key = self.keys[step.node.number]
                spent[key] = max(last.cost.seconds, spent.get(key, 0.0))
        return sum(spent.values())

    def start(self, branch: str) -> Metrics:
        """What was measured before a branch's first step."""
        step = self._union.steps[branch][0]
        return self.of(step.node, step.looked).start if step.node.number in self.keys else {}

    def whole(self, branch: str) -> bool:
        """Whether all stages of a branch have ended."""
        steps = self._union.steps[branch]
        return all(step.node.number in self.keys and self.of(step.node, step.looked).end for step in steps)

    def state_dict(self) -> dict[str, Any]:
        """Plain values, and the notes by view."""
        return {
            "keys": dict(self.keys),
            "written": {key: each.state_dict() for key, each in self.written.items()},
            "notes": {key: list(each.notes) for key, each in self.written.items()},
            "failed": {branch: str(error) for branch, error in self.failed.items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.keys = dict(state["keys"])
        notes = state["notes"]
        self.written = {key: Written.from_state(each, notes[key]) for key, each in state["written"].items()}
        self.failed = {branch: TrainingFailed(reason) for branch, reason in state["failed"].items()}

"""What a walk has written down, by stage and view, and the rows of a branch, which are made of it.

A note counts from its stage's beginning. Where on the way of a branch that is, and what the way has cost, the
branch's own tree says: so branches share notes, and have the rows that each would have by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from sparsetune.base.messages import Metrics, Row
from sparsetune.measures.cost import SampleFlops, cost_numbers
from sparsetune.sparsity.method import TrainingFailed
from sparsetune.training.keys import digest
from sparsetune.training.walk.notes import Note, Way, Written
from sparsetune.training.walk.union import Looked, Node, Step, Union


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
        return self.written.setdefault(self._key(node, looked), Written())

    def _key(self, node: Node, looked: Looked) -> str:
        return digest(self.keys[node.number], looked.key)

    def take(self, node: Node, looked: Looked, written: Written, epoch: int) -> None:
        """Another training has written this of a stage that has been begun here; an epoch has so many iterations."""

        def here(note: Note) -> Note:
            return replace(note, done=self.done(node, note.iterations, epoch))

        last, best = (each and here(each) for each in (written.last, written.best))
        notes = [here(each) for each in written.notes]
        self.written[self._key(node, looked)] = replace(written, notes=notes, last=last, best=best, taken=True)

    def taken(self, branch: str) -> int:
        """How many stages of a branch others have trained."""
        begun = (step for step in self._union.steps[branch] if step.node.number in self.keys)
        return sum(self.of(step.node, step.looked).taken for step in begun)

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
        """What these took here, equal stages with equal starts once."""
        spent: dict[str, float] = {}
        for step in steps:
            written = self.of(step.node, step.looked) if step.node.number in self.keys else Written()
            if written.last is not None and not written.taken:
                key = self.keys[step.node.number]
                spent[key] = max(written.last.cost.seconds, spent.get(key, 0.0))
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

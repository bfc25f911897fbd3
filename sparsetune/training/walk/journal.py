"""What a walk has written down: by stage and view, and from there by branch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sparsetune.base.messages import Metrics, Row
from sparsetune.sparsity.method import TrainingFailed
from sparsetune.training.keys import digest
from sparsetune.training.walk.record import Assembly, Entry, Written
from sparsetune.training.walk.union import Looked, Node, Step, Union


class Journal:
    """Of one walk.

    Attributes:
        keys: the state keys of the nodes that have been begun, by number.
        written: by the key of a view.
        failed: why a branch has come to nothing.
    """

    def __init__(self, union: Union, assembly: Assembly) -> None:
        self._union, self._assembly = union, assembly
        self.keys: dict[int, str] = {}
        self.written: dict[str, Written] = {}
        self.failed: dict[str, TrainingFailed] = {}

    def of(self, node: Node, looked: Looked) -> Written:
        """What is written of a view of a stage that has been begun."""
        return self.written.setdefault(digest(self.keys[node.number], looked.key), Written())

    def alive(self, branches: list[str]) -> bool:
        """Whether one of them has not failed."""
        return any(branch not in self.failed for branch in branches)

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

    def steps(self, branch: str) -> list[tuple[Step, Written | None]]:
        """A branch's stages in their order, with what is written of those that have begun."""
        steps = self._union.steps[branch]
        return [(step, self.of(step.node, step.looked) if step.node.number in self.keys else None) for step in steps]

    def rows(self, branch: str, first: int = 0) -> Iterator[Row]:
        """The rows of a branch, but for the first few."""
        return self._assembly.rows(self.steps(branch), first)

    def row(self, branch: str, step: Step, entry: Entry) -> Row:
        """The row that an entry of a branch's stage makes."""
        way = self._assembly.way(self.steps(branch), step)
        return self._assembly.row(entry, step, way, entry.number)

    def done(self, node: Node, position: int, epoch: int) -> float:
        """Share of all stages' iterations that are done, where training stands so far in one; an epoch has so many."""
        planned = {each.number: each.stage.duration.iterations(epoch) for each in self._union.nodes}
        ended = sum(planned[number] for number in self.keys if number != node.number)
        return (ended + position) / max(1, sum(planned.values()))

    def start(self, branch: str) -> Metrics:
        """What was measured before a branch's first step."""
        _, written = self.steps(branch)[0]
        return {} if written is None else written.start

    def whole(self, branch: str) -> bool:
        """Whether all stages of a branch have ended."""
        return all(written is not None and written.end for _, written in self.steps(branch))

    def state_dict(self) -> dict[str, Any]:
        """Plain values, and the entries by view."""
        return {
            "keys": dict(self.keys),
            "written": {key: each.state_dict() for key, each in self.written.items()},
            "entries": {key: list(each.entries) for key, each in self.written.items()},
            "failed": {branch: str(error) for branch, error in self.failed.items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.keys = dict(state["keys"])
        entries = state["entries"]
        self.written = {key: Written.from_state(each, entries[key]) for key, each in state["written"].items()}
        self.failed = {branch: TrainingFailed(reason) for branch, reason in state["failed"].items()}

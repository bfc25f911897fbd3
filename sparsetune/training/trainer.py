"""A training as an iterator over its stopping points, whose state goes in and out as one checkpoint.

It walks the union of its branches' trees. All randomness of an epoch is a function of the seed and the epoch's number,
as is that of evaluations, so a training that is stopped between two evaluations, or between two pieces of a procedure,
and taken up again gives the numbers of one that ran through.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from torch.optim import Optimizer

from sparsetune.base.messages import Metrics, Result, Row
from sparsetune.base.shelf import Shelf
from sparsetune.config.base import Part
from sparsetune.config.registry import Registries
from sparsetune.config.schedules import Cosine, OneCycle
from sparsetune.config.trial import TrialConfig
from sparsetune.measures.cost import Cost
from sparsetune.sparsity.method import Method, TrainingFailed
from sparsetune.training.keys import digest
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.setup import set_up
from sparsetune.training.shelf.shelving import Shelving
from sparsetune.training.walk.cursor import Cursor
from sparsetune.training.walk.ends import Ends, captured, put_back
from sparsetune.training.walk.evaluating import Evaluating
from sparsetune.training.walk.journal import Journal
from sparsetune.training.walk.results import Due, Leave, Results
from sparsetune.training.walk.union import Node, union_of
from sparsetune.training.walk.walking import walk


class Trainer:
    """Trains the branches of a config with one seed; ``next`` gives the first branch's row of an evaluation.

    Attributes:
        setup: what it works with; of it
        network, method, session, data: are what they are from the beginning.
        first: the branch that is judged.
        union: of the branches' trees.
        journal: what has been written down, and which branches have failed.
    """

    def __init__(
        self,
        config: TrialConfig,
        branches: Mapping[str, Part] | None = None,
        *,
        registries: Registries = REGISTRIES,
        shelf: Shelf | None = None,
        own: Sequence[str] = (),
    ) -> None:
        """
        Args:
            branches: the method's config of each, by name; else the config's own, without a name.
            shelf: where other trainings have left ends of stages, which it takes, and where it leaves its own.
            own: digests of the user's own files.
        """
        self.config = config
        method: type[Method] = registries.method.get(config.method.name)
        parts = branches or {"": config.method}
        trees = {name: method.tree(part, config.training) for name, part in parts.items()}
        self.first = next(iter(trees))
        self.setup = set_up(config, trees[self.first].sees, registries)
        self.network, self.method = self.setup.network, self.setup.method
        self.session, self.data = self.setup.session, self.setup.data
        spans = isinstance(config.training.schedule, Cosine | OneCycle)
        self.union = union_of(trees, self.setup.order.steps, spans=spans)
        self.journal = Journal(self.union, self.setup.flops, config.metrics.gpu_tdp_watts)
        self.ends = Ends(self.union, self.setup, shelved=shelf is not None)
        self.shelving = None if shelf is None else Shelving(shelf, self.setup, own)
        self.results = Results(self.setup, self.union, self.journal, parts)
        self.cursor: Cursor | None = None
        self.evaluating: Evaluating | None = None
        self._walking: Iterator[None] | None = None
        self._heard = 0

    def __iter__(self) -> Trainer:
        return self

    def __next__(self) -> Row:
        """Go on to the first branch's next row; raises :class:`TrainingFailed` when that fails.

        Results on the way are measured; what is due at the end ``finish`` measures.
        """
        while not self.done and self.go_on():
            for due in () if self.done else self.due:
                self.measure(due)
            if self.first in self.journal.failed:
                raise self.journal.failed[self.first]
            rows = list(self.journal.rows(self.first, self._heard))
            if rows:
                self._heard += len(rows)
                return rows[-1]
        raise StopIteration

    @property
    def record(self) -> list[Row]:
        """The rows of the first branch."""
        return list(self.journal.rows(self.first))

    @property
    def cost(self) -> Cost:
        """Of the way to where training stands."""
        return self.session.cost

    @property
    def epochs(self) -> float:
        """Trained by this process, on all ways."""
        return self.setup.epochs

    @property
    def optimizer(self) -> Optimizer:
        """The present one."""
        return self.setup.optimizer

    def go_on(self) -> bool:
        """Go on to the next stopping point; False where there is none."""
        self._walking = self._walking or self._walk()
        return next(self._walking, self) is None

    @property
    def due(self) -> list[Due]:
        """The results of the state in which training stands, to be measured before it goes on."""
        return [] if self.cursor is None else self.results.due(self.node, self.cursor)

    def measure(self, due: Due, leave: Leave | None = None) -> dict[str, Result]:
        """Measure a result; see :meth:`~sparsetune.training.walk.results.Results.measure`."""
        assert self.evaluating is not None
        setting = next(each for each in self.evaluating.settings if due.looked in each.views)
        state = setting.best_state if due.which == "best" else None
        if due.looked is self.results.again:
            state = self.ends.aside[self.ends.live]["results"][due.looked.key][due.which]
        goes_on = not self.done or len(self.due) > 1
        return self.results.measure(self.node, due, state, goes_on=goes_on, leave=leave)

    def finish(self) -> Metrics:
        """Measure all that is due where training has ended; the numbers of the first branch's run."""
        for due in self.due:
            self.measure(due)
        return self.results.of_run(self.first)[-1].metrics

    @property
    def done(self) -> bool:
        """Nothing is left to train."""
        if self.cursor is None:
            return not self.ends.agenda
        over = self.evaluating is not None and self.evaluating.over
        nothing_follows = over and not self.ends.following(self.node, self.journal) and not self.ends.agenda
        return self.cursor.out_of_time or nothing_follows

    @property
    def node(self) -> Node:
        """The stage that runs."""
        assert self.cursor is not None
        return self.union.nodes[self.cursor.node]

    def _walk(self) -> Iterator[None]:
        while self.cursor is not None or self.ends.agenda:
            cursor = self.cursor = self.cursor or self._enter()
            node, evaluating = self.node, self.evaluating
            assert evaluating is not None
            try:
                trained_before = not cursor.begun and evaluating.over
                yield from self._known() if trained_before else self._trained(node, cursor, evaluating)
            except TrainingFailed as error:
                self.journal.fail(self.journal.left(node), error)
                self.ends.live = ""
                yield
            self.ends.agenda += reversed(self.ends.following(node, self.journal))
            if cursor.out_of_time:
                self.ends.agenda.clear()
            self.cursor = None

    def _enter(self) -> Cursor:
        """Begin the next stage of the agenda."""
        node, start = self.ends.pop()
        key = self.journal.keys[node.number] = digest(start, node.local)
        cursor = Cursor(node.number, key)
        trained_before = all(self.journal.of(node, looked).end for looked in node.views)
        taken = not trained_before and self.shelving and self.shelving.take(node, self.journal, self.ends)
        if not trained_before and not taken:
            self.ends.begin_at(start)
        self._take_up(node)
        session = self.session
        cursor.epochs, cursor.cost, cursor.since = session.counters.epochs, replace(session.cost), replace(session.cost)
        return cursor

    def _trained(self, node: Node, cursor: Cursor, evaluating: Evaluating) -> Iterator[None]:
        """Train a stage; how it has ended is on the shelf before anyone hears of it."""
        for _ in walk(node, cursor, self.setup, evaluating):
            if self.shelving and node.reused and evaluating.over and not cursor.out_of_time:
                self.shelving.leave(node, self.journal, self.ends)
            yield

    def _take_up(self, node: Node) -> None:
        self.session.stage = node.path
        self.setup.method.adopt(node.stage.sees)
        self.evaluating = Evaluating(self.setup, node, self.journal, self.ends)

    def _known(self) -> Iterator[None]:
        """An equal stage with an equal start has been trained: its results are measured again, for other branches."""
        for looked in self.node.views:
            end = self.journal.of(self.node, looked).end
            if end and looked.view.results:
                self.ends.stand_at(end)
                self.results.again = looked
                if self.due:
                    yield
        if any(self.journal.of(self.node, looked).taken for looked in self.node.views):
            yield  # it has rows that nobody has heard of

    def state_dict(self) -> dict[str, Any]:
        """Everything that the coming steps depend on, and all that is written down."""
        return {
            "live": captured(self.setup),
            "cursor": None if self.cursor is None else self.cursor.state_dict(),
            "settings": [] if self.evaluating is None else self.evaluating.state_dict(),
            "ends": self.ends.state_dict(),
            "journal": self.journal.state_dict(),
            "results": self.results.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of a training of the same branches."""
        put_back(self.setup, state["live"])
        self.ends.load_state_dict(state["ends"])
        self.journal.load_state_dict(state["journal"])
        self.results.load_state_dict(state["results"])
        self.cursor = None if state["cursor"] is None else Cursor.from_state(state["cursor"])
        if self.cursor is not None:
            self._take_up(self.node)
            assert self.evaluating is not None
            self.evaluating.load_state_dict(state["settings"])
        self._walking = None
        self._heard = len(list(self.journal.rows(self.first)))

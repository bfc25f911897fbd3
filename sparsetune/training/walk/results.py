"""Results: ends of stages that are measured on test data. The last of a branch is what its run leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any, NamedTuple

from torch import Tensor

from sparsetune.base.messages import Metrics, Result, Which
from sparsetune.config.base import Part
from sparsetune.config.metrics import OWN_TIME, metric_of
from sparsetune.training.deploy.serving import serving_numbers
from sparsetune.training.measuring import declared, memory_numbers
from sparsetune.training.randomness import EVALUATION, seed_all
from sparsetune.training.setup import Setup
from sparsetune.training.tensors import cloned, put_back
from sparsetune.training.walk.cursor import Cursor
from sparsetune.training.walk.journal import Journal
from sparsetune.training.walk.union import Looked, Node, Union

Leave = Callable[[Metrics], None]
State = Mapping[str, Mapping[str, Tensor]]  # "network": weights and buffers by name; "task"; "masks"


class Due(NamedTuple):
    """A result that is to be measured: which state of a view's end, and the branches that it is of."""

    looked: Looked
    which: Which
    branches: tuple[str, ...]


class Results:
    """Of one walk.

    Attributes:
        measured: of each branch, by name, in the order in which they came.
        again: a view whose equal has been trained, while training stands at its end.
        cut_short: the clock has ended the walk: what is measured then is what runs leave.
    """

    def __init__(self, setup: Setup, union: Union, journal: Journal, parts: Mapping[str, Part]) -> None:
        """
        Args:
            parts: the method's config of each branch.
        """
        self._setup, self._union, self._journal, self._parts = setup, union, journal, parts
        self.measured: dict[str, dict[str, Result]] = {branch: {} for branch in union.steps}
        self.again: Looked | None = None
        self.cut_short = False

    def due(self, node: Node, cursor: Cursor) -> list[Due]:
        """Those of the state in which training stands, and which have not been measured."""
        self.cut_short = cursor.out_of_time
        views = node.views if cursor.begun else [each for each in node.views if each is self.again]
        due = []
        for looked in views:
            if not self._journal.of(node, looked).end:
                continue
            cut_short = (looked.view.keep,) if cursor.out_of_time and looked.view.keep_row else ()
            for which in looked.view.results or cut_short:
                left = [each for each in looked.branches if f"{node.path} {which}" not in self.measured[each]]
                alive = tuple(each for each in left if each not in self._journal.failed)
                if alive:
                    due.append(Due(looked, which, alive))
        return due

    def measure(
        self, node: Node, due: Due, state: State | None, *, goes_on: bool, leave: Leave | None = None
    ) -> dict[str, Result]:
        """Measure a state on test data, for the first and only time.

        Args:
            state: network, task and masks; None: as they are.
            goes_on: training goes on after it, from where it stands.
            leave: called with the numbers while the network is in that state.

        Returns:
            One of each branch, for their ways there may have cost different amounts.
        """
        setup, table = self._setup, self._setup.registries.metrics
        with self._as_it_ends(due.looked.view.setting, state, goes_on=goes_on):
            at_the_end = setup.measuring.at_the_end()
            of_method = declared(setup.method, setup.method.summary(), table)
            joules = setup.energy.joules()
            if joules is not None:
                at_the_end["energy_kj"] = joules / 1e3
            at_the_end |= memory_numbers(setup.session.device)
            if setup.config.metrics.deployed:
                at_the_end |= self._serving(due.branches[0])
            measured = {branch: self._result(node, due, branch, at_the_end, of_method) for branch in due.branches}
            if leave is not None:
                leave(measured[due.branches[0]].metrics)
        setup.method.adopt(node.stage.sees)
        for branch, result in measured.items():
            self.measured[branch][result.name] = result
        return measured

    def _serving(self, branch: str) -> Metrics:
        """What the network as it is now gives to those who use it."""
        setup = self._setup
        config = setup.config.model_copy(update={"method": self._parts[branch]})
        state = setup.network.state_dict()
        return serving_numbers(config, state, setup.data, setup.session.device, setup.registries)

    def _result(self, node: Node, due: Due, branch: str, at_the_end: Metrics, of_method: Metrics) -> Result:
        """With what the row of that state says, but for totals, which count all that has been done."""
        step = next(each for each in self._union.steps[branch] if each.node is node and each.looked is due.looked)
        written = self._journal.of(node, due.looked)
        assert written.last is not None
        kept = written.best if due.which == "best" and written.best is not None else written.last
        last = self._journal.row(step, written.last).metrics
        table = self._setup.registries.metrics
        totals = {k: v for k, v in last.items() if (row_of := metric_of(k, table)) and row_of.scope == "run"}
        row = self._journal.row(step, kept)
        metrics = {**at_the_end, **row.metrics, **totals, **of_method}
        return Result(node.path, due.which, row.epoch, row.iterations, metrics)

    def is_last(self, node: Node, due: Due, branch: str) -> bool:
        """Whether it is what the branch's run leaves."""
        last = next(step for step in reversed(self._union.steps[branch]) if step.looked.view.results)
        here = last.node is node and last.looked is due.looked and last.looked.view.results[-1] == due.which
        return here or self.cut_short

    def of_run(self, branch: str) -> tuple[Result, ...]:
        """The results of a branch in the order of its own tree, once all of them are measured; none before."""
        if not self._journal.whole(branch) and not self.cut_short:
            return ()
        measured = self.measured[branch]
        steps = self._union.steps[branch]
        planned = [f"{step.node.path} {which}" for step in steps for which in step.looked.view.results]
        names = list(measured) if self.cut_short else planned
        return self._together(branch, [measured[name] for name in names]) if measured.keys() >= {*names} else ()

    def _together(self, branch: str, results: list[Result]) -> tuple[Result, ...]:
        """The last with what the method says of all of them."""
        method, table = self._setup.method, self._setup.registries.metrics
        of_all = declared(method, method.over_results(self._parts[branch], results), table)
        of_all[OWN_TIME] = self._journal.own_seconds(branch) / 60
        return (*results[:-1], replace(results[-1], metrics={**results[-1].metrics, **of_all})) if results else ()

    @contextmanager
    def _as_it_ends(self, setting: Any, state: State | None, *, goes_on: bool) -> Iterator[None]:
        """Within, network, masks and method are as a result has them; after it as before, if training goes on."""
        setup, masks = self._setup, self._setup.session.masks
        live = {part: getattr(setup, part).state_dict() for part in ("network", "task", "method")}
        before = cloned(live) if goes_on and state is not None else None
        setup.method.adopt(setting)
        if state is not None:
            put_back(setup.network, state["network"])
            setup.task.load_state_dict(state.get("task", {}))
            setup.session.masks = {name: mask.to(setup.session.device) for name, mask in state["masks"].items()}
        seed_all(setup.config.seed, EVALUATION, setup.session.device)
        try:
            yield
        finally:
            if before is not None:
                setup.session.masks = masks
                put_back(setup.network, before["network"])
                setup.task.load_state_dict(before["task"])
                setup.method.load_state_dict(before["method"])

    def state_dict(self) -> dict[str, Any]:
        measured = {branch: [asdict(each) for each in results.values()] for branch, results in self.measured.items()}
        return {"measured": measured, "cut_short": self.cut_short}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        listed = {branch: [Result(**each) for each in plain] for branch, plain in state["measured"].items()}
        self.measured = {branch: {each.name: each for each in results} for branch, results in listed.items()}
        self.cut_short = state["cut_short"]

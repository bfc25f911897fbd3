"""A stage's evaluations, in each setting of what only evaluation depends on: each gives notes, and may end views."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sparsetune.base.messages import Metrics
from sparsetune.sparsity.history import Evaluation, History, Rule
from sparsetune.training.keys import digest
from sparsetune.training.loop import Diverged
from sparsetune.training.measuring import declared
from sparsetune.training.setup import Setup
from sparsetune.training.tensors import cloned
from sparsetune.training.walk.cursor import Cursor
from sparsetune.training.walk.ends import MEASURED, OF_WEIGHTS, Ends, State, captured, content_of
from sparsetune.training.walk.journal import Journal
from sparsetune.training.walk.notes import Note
from sparsetune.training.walk.union import Looked, Node


class Setting:
    """Of the stage that runs.

    Attributes:
        setting: the method's config.
        views: those that have it.
        best_state: weights, and whatever else somebody goes on with from the best evaluation; None if nobody wants it.
        diverged: why there is no finite loss on validation data; empty otherwise.
    """

    def __init__(self, setting: Any, views: Sequence[Looked], node: Node) -> None:
        self.setting, self.views = setting, views
        self.history = History(node.window)
        self.best_state: State | None = None
        self.diverged = ""
        self._left = any("best" in each.view.results for each in views)
        starts = {child.start for child in node.children}
        self._goes_on = any(each.view.keep == "best" and (node.reused or each.end in starts) for each in views)

    def keep_best(self, setup: Setup) -> None:
        """The present state is that of the best evaluation so far."""
        if self._goes_on:
            state = captured(setup)
            self.best_state = cloned({name: state[name] for name in OF_WEIGHTS})
        elif self._left:
            state = captured(setup)
            self.best_state = cloned({name: state[name] for name in MEASURED})

    def state_dict(self) -> dict[str, Any]:
        return {"history": self.history.state_dict(), "best_state": self.best_state, "diverged": self.diverged}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.history.load_state_dict(state["history"])
        self.best_state, self.diverged = state["best_state"], state["diverged"]


def settings_of(node: Node) -> list[Setting]:
    """One for each that views of the node have, in their order."""
    settings: list[tuple[Any, list[Looked]]] = []
    for looked in node.views:
        views = next((views for setting, views in settings if setting == looked.view.setting), None)
        if views is None:
            settings.append((looked.view.setting, views := []))
        views.append(looked)
    return [Setting(setting, views, node) for setting, views in settings]


class Evaluating:
    """Of the stage that runs.

    Attributes:
        settings: that it is evaluated in.
        total: iterations that it trains, if nothing ends it before.
    """

    def __init__(self, setup: Setup, node: Node, journal: Journal, ends: Ends) -> None:
        self._setup, self._node, self._journal, self._ends = setup, node, journal, ends
        self.settings = settings_of(node)
        self._written = {looked.key: journal.of(node, looked) for looked in node.views}
        self.total = node.stage.duration.iterations(setup.order.steps)

    @property
    def over(self) -> bool:
        """No view is open: all have ended, or come to nothing."""
        return not any(map(self._open, self._node.views))

    def start(self) -> None:
        """Measure the state before the first step, where each evaluation measures all."""
        for setting in self.settings:
            numbers, further = self._setup.measuring.validated(setting.setting, 0)
            start = {**{f"val_{name}": value for name, value in numbers.items()}, **further}
            for looked in setting.views:
                self._written[looked.key].start = start

    def evaluate(self, cursor: Cursor, trained: tuple[float, ...], began: float) -> None:
        """Measure the present state, write it down, and see which views end with it.

        Args:
            trained: training's numbers by the task's names; none of a stage that does not train.
            began: on the clock of ``time.perf_counter``, what this evaluation ends.

        Raises:
            Diverged: in no setting the loss is a finite number.
        """
        setup, session = self._setup, self._setup.session
        epochs = session.counters.epochs
        of_method = declared(setup.method, setup.method.numbers(), setup.registries.metrics)
        of_task = setup.task.numbers()
        active = [each for each in self.settings if any(map(self._open, each.views))]
        measured = [setup.measuring.validated(each.setting, epochs) for each in active]
        setup.method.adopt(self._node.stage.sees)
        session.cost.seconds += time.perf_counter() - began
        cursor.out_of_time = self.seconds_left(cursor) <= 0
        of_training = {f"train_{name}": value for name, value in zip(setup.task.names, trained, strict=False)}
        ended: list[tuple[Setting, Looked]] = []
        for setting, (numbers, further) in zip(active, measured, strict=True):
            if not math.isfinite(numbers["loss"]):
                setting.diverged = f"val_loss became {numbers['loss']} in epoch {epochs}"
                left = [branch for looked in filter(self._open, setting.views) for branch in looked.branches]
                self._journal.fail(left, Diverged(setting.diverged))
                continue
            of_both = {**of_training, **{f"val_{name}": value for name, value in numbers.items()}}
            ended += self._write(setting, cursor, of_both, {**further, **of_task, **of_method})
        cursor.since = replace(session.cost)
        if all(each.diverged for each in active):
            raise Diverged(active[0].diverged)
        self._end(ended, cursor)

    def seconds_left(self, cursor: Cursor) -> float:
        """Until the clock ends the walk, which counts all that has been trained, on whatever way."""
        minutes = self._setup.config.training.max_minutes
        if minutes is None:
            return math.inf
        here = self._setup.session.cost.seconds - cursor.cost.seconds
        return 60 * minutes - self._journal.seconds_before(self._node) - here

    def arrive(self, cursor: Cursor) -> None:
        """End a stage that does not train; it is measured where it is a result."""
        if any(looked.view.results for looked in self._node.views):
            self.evaluate(cursor, (), time.perf_counter())
            return
        self._end([each for setting in self.settings for each in self._write(setting, cursor, {}, {})], cursor)

    def _open(self, looked: Looked) -> bool:
        """It has neither ended nor come to nothing."""
        return not self._written[looked.key].end and self._journal.alive(looked.branches)

    def agrees(self, rule: Rule | None) -> bool:
        """Whether a rule, which looks at the first setting, has nothing against what would come next."""
        return rule is None or rule(self.settings[0].history, self._setup.session)

    def _write(
        self, setting: Setting, cursor: Cursor, numbers: dict[str, float], others: Metrics
    ) -> list[tuple[Setting, Looked]]:
        """Add an evaluation to a setting's history, and a note to its open views; returns those that end with it."""
        session, history = self._setup.session, setting.history
        epochs = session.counters.epochs - cursor.epochs
        improved = bool(numbers) and history.add(Evaluation(cursor.evaluations, cursor.position, epochs, numbers))
        if improved:
            setting.keep_best(self._setup)
        note, ended = None, []
        for looked in filter(self._open, setting.views):
            ends = self._ends_now(setting, looked, cursor)
            every = looked.view.keep_row if cursor.evaluations else int(bool(numbers))
            is_row = bool(every) and cursor.evaluations % every == 0
            is_best = improved and "best" in looked.view.results
            if is_row or is_best or ends:
                note = note or self._note(history.best, cursor, epochs, numbers, others)
                written = self._written[looked.key]
                written.last, written.best = note, note if is_best else written.best
                if is_row:
                    written.notes.append(note)
            if ends:
                ended.append((setting, looked))
        return ended

    def _note(
        self, best: Evaluation | None, cursor: Cursor, epochs: int, numbers: dict[str, float], others: Metrics
    ) -> Note:
        cost = self._setup.session.cost
        of_best = {f"best_{name}": value for name, value in best.numbers.items() if name[:4] == "val_"} if best else {}
        return Note(
            cursor.evaluations,
            time.time_ns() // 1_000_000,
            cursor.position,
            epochs,
            best.epochs if best else 0,
            {**numbers, "best_epoch": 0.0, "best_iteration": 0.0, **of_best, **others},
            cost - cursor.cost,
            cost - cursor.since,
            self._journal.done(self._node, cursor.position, self._setup.order.steps),
            best.iterations if best else 0,
        )

    def _ends_now(self, setting: Setting, looked: Looked, cursor: Cursor) -> bool:
        view = looked.view
        if cursor.position >= self.total or cursor.out_of_time:
            return True
        early = view.until is not None and cursor.position >= view.least.iterations(self._setup.order.steps)
        return early and view.until is not None and view.until(setting.history, self._setup.session)

    def _end(self, ended: list[tuple[Setting, Looked]], cursor: Cursor) -> None:
        content = content_of(self._setup) if self._node.stage.content else ""
        for _, looked in ended:
            self._written[looked.key].end = content or digest(cursor.key, looked.end)
        for setting, looked in ended:
            end = self._written[looked.key].end
            self._ends.leave(self._node, looked, end, setting.best_state, goes_on=not self.over)

    def state_dict(self) -> list[Any]:
        return [setting.state_dict() for setting in self.settings]

    def load_state_dict(self, state: list[Any]) -> None:
        for setting, saved in zip(self.settings, state, strict=True):
            setting.load_state_dict(saved)

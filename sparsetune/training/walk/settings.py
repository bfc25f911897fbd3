"""A stage in one setting of what only evaluation depends on: its history, and the state of its best evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sparsetune.sparsity.history import History
from sparsetune.training.copies import cloned
from sparsetune.training.setup import Setup
from sparsetune.training.walk.states import OF_WEIGHTS, State, captured
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
        self._goes_on = any(each.view.keep == "best" and _followed(node, each) for each in views)

    def keep_best(self, setup: Setup) -> None:
        """The present state is that of the best evaluation so far."""
        if self._goes_on:
            state = captured(setup)
            self.best_state = cloned({name: state[name] for name in OF_WEIGHTS})
        elif self._left:
            self.best_state = cloned({"network": setup.network.state_dict(), "masks": setup.session.masks})

    def state_dict(self) -> dict[str, Any]:
        return {"history": self.history.state_dict(), "best_state": self.best_state, "diverged": self.diverged}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.history.load_state_dict(state["history"])
        self.best_state, self.diverged = state["best_state"], state["diverged"]


def settings_of(node: Node) -> list[Setting]:
    """One for each that views of the node have, in their order."""
    found: list[tuple[Any, list[Looked]]] = []
    for looked in node.views:
        views = next((views for setting, views in found if setting == looked.view.setting), None)
        if views is None:
            found.append((looked.view.setting, [looked]))
        else:
            views.append(looked)
    return [Setting(setting, views, node) for setting, views in found]


def _followed(node: Node, looked: Looked) -> bool:
    return any(child.start == looked.end for child in node.children)

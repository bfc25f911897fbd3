"""What is known of a stage's evaluations while it trains, and rules that end it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from sparsetune.sparsity.session import Session


class Evaluation(NamedTuple):
    """One evaluation.

    Attributes:
        number: from 1, of the stage.
        iterations: trained in the stage before it.
        epochs: whole ones, trained in the stage before it.
        numbers: by name: ``train_loss``, ``val_loss`` and what else the task measures.
    """

    number: int
    iterations: int
    epochs: int
    numbers: Mapping[str, float]

    @property
    def loss(self) -> float:
        """On validation data."""
        return self.numbers["val_loss"]


class History:
    """The evaluations of a stage in one setting: the best, and as many of the last as rules look at.

    Attributes:
        best: the first with the lowest loss on validation data.
    """

    def __init__(self, window: int = 1) -> None:
        self._recent: deque[Evaluation] = deque(maxlen=window)
        self.best: Evaluation | None = None

    @property
    def recent(self) -> tuple[Evaluation, ...]:
        """The last ones, oldest first: as many as the rules of the stage ask for, if there were as many."""
        return tuple(self._recent)

    @property
    def last(self) -> Evaluation:
        """The one just made."""
        return self._recent[-1]

    def add(self, evaluation: Evaluation) -> bool:
        """Take up the next one; whether it is the best so far."""
        self._recent.append(evaluation)
        improved = self.best is None or evaluation.loss < self.best.loss
        if improved:
            self.best = evaluation
        return improved

    def state_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "recent": [[*each[:3], dict(each.numbers)] for each in self._recent],
            "best": None if self.best is None else [*self.best[:3], dict(self.best.numbers)],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a state from :meth:`state_dict`."""
        self._recent.extend(Evaluation(*each) for each in state["recent"])
        self.best = None if state["best"] is None else Evaluation(*state["best"])


class Rule(Protocol):
    """Says when: a frozen dataclass, for its values tell stages apart."""

    @property
    def window(self) -> int:
        """How many of the last evaluations it looks at."""
        ...

    def __call__(self, history: History, session: Session) -> bool: ...


def window_of(rules: Iterable[Rule | None]) -> int:
    """How many of the last evaluations these look at, at least one."""
    return max([1, *(rule.window for rule in rules if rule is not None)])


@dataclass(frozen=True)
class Patience:
    """So many epochs have passed without a lower loss on validation data."""

    epochs: int
    window: int = 1

    def __call__(self, history: History, session: Session) -> bool:
        assert history.best is not None
        return history.last.epochs - history.best.epochs >= self.epochs

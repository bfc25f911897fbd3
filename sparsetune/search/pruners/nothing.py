"""No pruning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from sparsetune.base.messages import Metrics, Row, State
from sparsetune.config.base import Part
from sparsetune.config.study.problem import Problem
from sparsetune.search.pruners.contract import Pruner
from sparsetune.search.stopper import Stopper

if TYPE_CHECKING:
    from optuna import Study


class Nothing(Pruner):
    """Every trial runs to its end."""

    class Config(Part):
        name: Literal["none"] = "none"

    @classmethod
    def stopper(cls, config: Any, problem: Problem, copy: Study) -> Stopper:
        return Never()


class Never:
    """Stops nothing and keeps nothing."""

    def report(self, number: int, row: Row) -> bool:
        return False

    def replicate(self, number: int, index: int, metrics: Metrics) -> bool:
        return False

    def record(self, number: int) -> None:
        return None

    def ended(self, number: int, state: State) -> None: ...

    def restore(self, number: int, state: State, record: Any) -> None: ...

"""Where in the tree a training stands. Nothing about it is derived from anything else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sparsetune.measures.cost import Cost


@dataclass
class Cursor:
    """In a stage.

    Attributes:
        node: its number in the union.
        key: the key of its state: of the start that it has, and of what it is.
        procedures: how many of those before it, or between its evaluations, are done.
        pieces: how many pieces of the next one are done.
        state: what that has yielded last.
        begun: procedures before it are done, and the first step is next.
        position: iterations trained.
        evaluations: made.
        between: an evaluation has been made, and what is to come after it has not been done.
        due: the procedures that are to come after it, by their place in the stage's.
        out_of_time: the clock has ended it.
        epochs: of the counters, and
        cost: when it began;
        since: at the last evaluation.
    """

    node: int
    key: str
    procedures: int = 0
    pieces: int = 0
    state: Any = None
    begun: bool = False
    position: int = 0
    evaluations: int = 0
    between: bool = False
    due: list[int] = field(default_factory=list)
    out_of_time: bool = False
    epochs: int = 0
    cost: Cost = field(default_factory=Cost)
    since: Cost = field(default_factory=Cost)

    def state_dict(self) -> dict[str, Any]:
        """Tensors of a procedure's state, and plain values."""
        return {**vars(self), "cost": asdict(self.cost), "since": asdict(self.since)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Cursor:
        return cls(**{**state, "cost": Cost(**state["cost"]), "since": Cost(**state["since"])})

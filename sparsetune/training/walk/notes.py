"""What is written of a stage: a note for an evaluation, the notes of a view; and what lies before it on a way.

A note counts from its stage's beginning, so that it holds wherever the stage stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sparsetune.base.messages import Metrics
from sparsetune.measures.cost import Cost


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
        taken: another training has written it.
    """

    notes: list[Note] = field(default_factory=list)
    start: Metrics = field(default_factory=dict)
    last: Note | None = None
    best: Note | None = None
    end: str = ""
    taken: bool = False

    def state_dict(self) -> dict[str, Any]:
        """All but the notes, as plain values."""
        last, best = (None if each is None else each.to_plain() for each in (self.last, self.best))
        rest = {"end": self.end, "rows": len(self.notes), "taken": self.taken}
        return {"start": dict(self.start), "last": last, "best": best, **rest}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], notes: Sequence[Note]) -> Written:
        last, best = (None if state[name] is None else Note.from_plain(state[name]) for name in ("last", "best"))
        taken = state.get("taken", False)  # of a checkpoint of an earlier version nothing is
        return cls(list(notes[: state["rows"]]), state["start"], last, best, state["end"], taken)


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

"""A training as a tree of stages: what a method says about the course of things. The trainer walks it.

A stage is procedures, then steps of the optimiser with an evaluation now and then; the stages in ``then`` start from
where it ends, each from the same state. Everything in a stage is a value: equal stages with equal starts are trained
once, whoever asks for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from sparsetune.base.durations import Duration, Length
from sparsetune.base.messages import Which
from sparsetune.sparsity.history import Rule
from sparsetune.sparsity.session import Session

GO_ON, AGAIN = "go on", "again"
NO_TIME, AN_EPOCH = Duration(0), Duration(1)

Yielded = tuple[Any, float]
"""A state of tensors and plain values, not None, from which a procedure goes on; and how much is done, from 0 to 1.

Whoever keeps a state longer than until the next piece begins copies it.
"""


class Procedure(Protocol):
    """What happens between trainings: pruning, rewinding, fitting layers. A frozen dataclass.

    Called with a state that it has yielded before, its tensors on the session's device, it goes on from there; the
    network, the optimiser and whatever else belongs to the session are as they were then. Before each piece torch's
    random numbers are seeded anew, and the network is in training mode.
    """

    def __call__(self, session: Session, state: Any = None) -> Iterator[Yielded] | None: ...


@dataclass(frozen=True)
class View:
    """How a stage is looked at.

    Attributes:
        setting: the method's config while a split is evaluated.
        keep_row: every how many evaluations a row is kept; 0: none.
        until: a rule that ends the stage before its duration is over.
        least: no rule ends it before that.
        keep: the state that what follows starts from.
        results: the states that are measured on test data when it ends; the last of a run is what the run leaves.
    """

    setting: Any = None
    keep_row: int = 1
    until: Rule | None = None
    least: Length = NO_TIME
    keep: Which = "last"
    results: tuple[Which, ...] = ()


@dataclass(frozen=True)
class Between:
    """A procedure after every so many evaluations, but for the last, if a rule does not object."""

    every: int
    do: Procedure
    when: Rule | None = None


@dataclass(frozen=True)
class Stage:
    """A piece of a training.

    Attributes:
        name: unlike those of the stages beside it; a path of names is a stage's identity.
        duration: of its training; no epochs: what its procedures leave is its end.
        sees: the method's config while it trains, and all of it that may matter.
        view: how it is looked at.
        every: how often it is evaluated, and after its last step.
        before: procedures before its first step.
        between: procedures after evaluations.
        optimizer: the one before goes on, or a new one.
        schedule: of the learning rate: goes on as planned, whatever ended the stage before early; begins again; or
            goes on from where a snapshot of that name was taken.
        order: the same of the order of the samples.
        horizon: what the schedule spans, where that is not the longest way to an end from its beginning.
        skipped: of a training that goes on from elsewhere: as much of schedule and order lies before it.
        snapshots: (name, time since its beginning) of states that are kept for later stages.
        content: of a stage without training: its end is known by what it holds, so that equal ends share what follows.
        settle: evaluations at its beginning that are no measure: something has set the network back.
        reused: other trials may well have just this stage: how it has ended is worth keeping for them.
        then: what starts from its end.
    """

    name: str
    duration: Length
    sees: Any = None
    view: View = View()
    every: Duration = AN_EPOCH
    before: tuple[Procedure, ...] = ()
    between: tuple[Between, ...] = ()
    optimizer: Literal["kept", "new"] = "kept"
    schedule: str = GO_ON
    order: str = GO_ON
    horizon: Duration | None = None
    skipped: Length = NO_TIME
    snapshots: tuple[tuple[str, Length], ...] = ()
    content: bool = False
    settle: int = 0
    reused: bool = False
    then: tuple[Stage, ...] = ()

    @property
    def goes_on(self) -> bool:
        """Whether the schedule of the learning rate does, from the stage before."""
        return self.schedule == GO_ON

    def __post_init__(self) -> None:
        if self.content and self.duration.count:
            raise ValueError(f"stage {self.name!r} trains for {self.duration}: its end is not known by its content")
        if "/" in self.name or not self.name:
            raise ValueError(f"found {self.name!r}, allowed: a name without /")
        names = [each.name for each in self.then]
        if len({*names}) < len(names):
            raise ValueError(f"the stages after {self.name!r} have names in common: {', '.join(names)}")

"""Levels of iterative pruning as a tree of stages: a chain from the dense level on, and the arms that leave it.

The chain of the ticket is the spine of three arms, and is trained once for all of them. Where an arm does not look at
it, it leaves no rows and is no result; a control's trainings are its teeth, each from the end of the level before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import torch

from sparsetune.base.durations import Duration, Rest, Share
from sparsetune.base.messages import Which
from sparsetune.sparsity.magnitude import Shares, pruned
from sparsetune.sparsity.session import Session
from sparsetune.sparsity.stage import AGAIN, Procedure, Stage, View
from sparsetune.sparsity.tickets import Begun

Arm = Literal["ticket", "reinit_same_mask", "reinit_own_chain", "random_mask", "one_shot"]
START = "start"
"""The snapshot that survivors are rewound to."""


@dataclass(frozen=True)
class Prune:
    """Take away the smallest of what is left: as much as so many levels do."""

    shares: Shares
    levels: int = 1

    def __call__(self, session: Session, state: Any = None) -> None:
        session.masks.update(pruned(session.prunable, session.masks, self.shares, self.levels))


def rewind(session: Session, state: Any = None) -> None:
    """Put weights, biases and statistics back to where the chain started."""
    session.restore(START)


def redraw(session: Session, state: Any = None) -> None:
    """Draw weights, biases and statistics anew."""
    session.redraw()


def shuffle(session: Session, state: Any = None) -> None:
    """Let each layer keep as many weights as it does, any of them."""
    for name, mask in session.masks.items():
        order = torch.randperm(mask.numel()).to(mask.device)
        session.masks[name] = mask.flatten()[order].reshape(mask.shape)


def begun(stage: Stage) -> Begun | None:
    """What a level began with, where that were weights of the start."""
    if rewind not in stage.before:
        return None
    _, level, *arm = stage.name.split()
    return Begun(START, int(level), arm[0] if arm else "ticket")


@dataclass(frozen=True)
class Chain:
    """What all arms of a config have in common.

    Attributes:
        stage: makes one of a name, a duration and fields of a stage.
        results: the states of a level that are measured; the last is what a run leaves.
        length: of a level that begins at the beginning.
        start: when in it weights are as survivors are put back to be.
        shares: what a level removes.
        depth: levels after the dense one.
    """

    stage: Callable[..., Stage]
    results: tuple[Which, ...]
    length: Duration
    start: Duration | Share
    shares: Shares
    depth: int

    def arm(self, arm: Arm, at: Sequence[int] | None = None) -> Stage:
        """The tree of an arm.

        Args:
            at: the levels, from 1, at which arms other than the ticket are trained; None: all.
        """
        at = at or range(1, self.depth + 1)
        first_level: dict[Arm, Callable[[], tuple[Stage, ...]]] = {
            "ticket": self._ticket,
            "reinit_same_mask": partial(self._teeth, at, arm, redraw, again=True),
            "reinit_own_chain": partial(self._own_chain, at, arm),
            "random_mask": partial(self._teeth, at, arm, shuffle, rewind),
            "one_shot": partial(self._at_once, at, arm),
        }
        then, kept = first_level[arm](), ((START, self.start),)
        dense = self.stage("level 0", self.length, snapshots=kept, reused=True, then=then)
        return replace(dense, view=replace(self._looked(dense.view), least=self.start))

    def _ticket(self, level: int = 1) -> tuple[Stage, ...]:
        return self._spine(level, self._ticket(level + 1), looked=True) if level <= self.depth else ()

    def _teeth(
        self, at: Sequence[int], arm: Arm, *control: Procedure, again: bool = False, level: int = 1
    ) -> tuple[Stage, ...]:
        """From the end of a level on: the training that leaves the chain there, and the chain as far as others do."""
        name = f"level {level} {arm}"
        tooth = (self._level(name, Prune(self.shares), *control, again=again),) if level in at else ()
        if level >= max(at):
            return tooth
        further = self._teeth(at, arm, *control, again=again, level=level + 1)
        return (*tooth, *self._spine(level, further, looked=False))

    def _spine(self, level: int, then: tuple[Stage, ...], *, looked: bool) -> tuple[Stage, ...]:
        return (self._level(f"level {level}", Prune(self.shares), rewind, looked=looked, reused=True, then=then),)

    def _own_chain(self, at: Sequence[int], arm: Arm, level: int = 1) -> tuple[Stage, ...]:
        if level > max(at):
            return ()
        then = self._own_chain(at, arm, level + 1)
        how: dict[str, Any] = {"again": True, "looked": level in at, "reused": True, "then": then}
        return (self._level(f"level {level} {arm}", Prune(self.shares), redraw, **how),)

    def _at_once(self, at: Sequence[int], arm: Arm) -> tuple[Stage, ...]:
        names = {each: f"level {each} {arm}" if each > 1 else "level 1" for each in sorted(at)}  # that is the chain's
        return tuple(
            self._level(name, Prune(self.shares, each), rewind, reused=each == 1) for each, name in names.items()
        )

    def _level(
        self,
        name: str,
        *before: Procedure,
        again: bool = False,
        looked: bool = True,
        **others: Any,
    ) -> Stage:
        """A level with all its steps again, or with those after the snapshot."""
        length = Rest(self.length, self.start) if self.start.count and not again else self.length
        begins = AGAIN if again else START
        how = {"before": before, "optimizer": "new", "schedule": begins, "order": begins, **others}
        stage = self.stage(name, length, **how)
        silent = replace(stage.view, keep_row=0, keep="last", results=())
        return replace(stage, view=self._looked(stage.view) if looked else silent)

    def _looked(self, view: View) -> View:
        return replace(view, keep="last", results=self.results)

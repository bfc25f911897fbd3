"""A ticket's weights put into a network, under its masks or another arm's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from sparsetune.base.errors import BadInput
from sparsetune.sparsity.levels import redraw, shuffle
from sparsetune.sparsity.session import Session
from sparsetune.sparsity.stage import Procedure
from sparsetune.sparsity.ticket_file import Content, read_content
from sparsetune.sparsity.ticket_source import KEY, file_of

Arm = Literal["ticket", "new_weights", "shuffled", "random_mask"]


def permute(session: Session, state: Any = None) -> None:
    """Let as many weights be kept in all, any of those of all layers together."""
    flat = torch.cat([mask.flatten() for mask in session.masks.values()])
    drawn = flat[torch.randperm(flat.numel()).to(flat.device)]
    parts = drawn.split([mask.numel() for mask in session.masks.values()])
    shapes = {name: mask.shape for name, mask in session.masks.items()}
    session.masks.update({name: part.reshape(shapes[name]) for name, part in zip(shapes, parts, strict=True)})


_ARMS: dict[Arm, tuple[Procedure | None, tuple[Procedure, ...]]] = {
    "ticket": (None, ()),
    "new_weights": (None, (redraw,)),
    "shuffled": (permute, ()),
    "random_mask": (shuffle, ()),
}
"""What is done to masks before weights are put under them, and what comes after."""


@dataclass(frozen=True)
class TakenUp:
    """What a ticket gives a network.

    Attributes:
        state: weights and buffers, by name.
        masks: of the prunable ones.
    """

    state: Mapping[str, Tensor]
    masks: Mapping[str, Tensor]

    @classmethod
    def of(cls, content: Content) -> TakenUp:
        counters = {name: torch.tensor(count) for name, count in content.words["counters"].items()}
        state = {name: torch.from_numpy(values) for name, values in content.tensors.items()}
        masks = {name: torch.from_numpy(mask) for name, mask in content.masks().items()}
        return cls({**state, **counters}, masks)

    def fitting(self, own: Mapping[str, Tensor], prunable: list[str]) -> TakenUp:
        """The same without the classifier, where a network has another number of outputs.

        Args:
            own: weights and buffers of the network.
            prunable: names of those that pruning may remove; the last gives the outputs.

        Raises:
            BadInput: names the first tensor that is missing, too much or of another shape.
        """
        ending = {prunable[-1], prunable[-1].removesuffix("weight") + "bias"} & own.keys()
        if all(name in self.state and _other_outputs(self.state[name], own[name]) for name in ending):
            state = {name: value for name, value in self.state.items() if name not in ending}
            masks = {name: mask for name, mask in self.masks.items() if name not in ending}
            return TakenUp({**state, **{name: own[name] for name in ending}}, masks)._checked(own)
        return self._checked(own)

    def _checked(self, own: Mapping[str, Tensor]) -> TakenUp:
        for name, value in own.items():
            if name not in self.state:
                raise _misfit(f"it has no tensor {name!r}, which the network has")
            if self.state[name].shape != value.shape:
                shape, wanted = ("x".join(map(str, each.shape)) or "one number" for each in (self.state[name], value))
                raise _misfit(f"its tensor {name!r} is {shape}, the network's {wanted}")
        if spare := sorted(self.state.keys() - own.keys()):
            raise _misfit(f"its tensor {spare[0]!r} is not in the network")
        return self


@dataclass(frozen=True)
class TakeUp:
    """Put in the weights of a ticket, under its masks as they are or as ``rearranged`` leaves them."""

    place: str
    level: int | None
    rearranged: Procedure | None

    @torch.no_grad()
    def __call__(self, session: Session, state: Any = None) -> None:
        taken = TakenUp.of(read_content(file_of(Path(self.place), self.level, session.seed)))
        own = session.network.state_dict()
        fitting = taken.fitting(own, list(session.prunable))
        session.masks.update({name: mask.to(session.device) for name, mask in fitting.masks.items()})
        if self.rearranged is not None:
            self.rearranged(session)
        session.network.load_state_dict(fitting.state)


def beginning(place: str, level: int | None, arm: Arm) -> tuple[Procedure, ...]:
    """What comes before a ticket's training, or that of a control."""
    rearranged, after = _ARMS[arm]
    return (TakeUp(place, level, rearranged), *after)


def _other_outputs(one: Tensor, other: Tensor) -> bool:
    return one.shape[1:] == other.shape[1:] and one.shape != other.shape


def _misfit(problem: str) -> BadInput:
    return BadInput(f"the ticket does not fit: {problem}", key=KEY, code="conflict")

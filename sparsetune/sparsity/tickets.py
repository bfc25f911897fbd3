"""What methods give whose runs leave tickets: a seed and a mask, or the weights that a level begins with."""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

from torch import Tensor

from sparsetune.sparsity.stage import Stage


@runtime_checkable
class LeavesTickets(Protocol):
    """Trains no weights. A method that has all of this leaves tickets, whatever it derives from: but where one of the
    two tensors is None."""

    @property
    def drawn(self) -> Tensor | None:
        """(n,) all prunable weights as the seed drew them; they are never trained."""
        ...

    @property
    def mask(self) -> Tensor | None:
        """(n,) bool: which of ``drawn`` the network holds now."""
        ...

    def wear(self, mask: Tensor) -> None:
        """Make the network hold those of ``drawn`` where (n,) ``mask`` is True, for evaluation."""
        ...


class Begun(NamedTuple):
    """What a level began with: the weights of a snapshot, under masks that it has worn since.

    Attributes:
        snapshot: its name in the session.
        level: of pruning, from 1.
        arm: of it.
    """

    snapshot: str
    level: int
    arm: str


@runtime_checkable
class Rewinds(Protocol):
    """Puts weights back to a snapshot and trains them under masks. A method that has this leaves tickets of weights."""

    @classmethod
    def begun(cls, stage: Stage) -> Begun | None:
        """What the stage's training began with; None where that is no ticket: dense, or drawn anew."""
        ...


def leaves_tickets(method: type) -> bool:
    """Whether objects of this class may leave those of a seed and a mask."""
    return all(getattr(method, name, None) is not None for name in ("drawn", "mask", "wear"))

"""What methods give whose networks are a seed and a mask: their runs leave tickets."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from torch import Tensor


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


def leaves_tickets(method: type) -> bool:
    """Whether objects of this class may."""
    return all(getattr(method, name, None) is not None for name in ("drawn", "mask", "wear"))

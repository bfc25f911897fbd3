"""What is followed through a network, constants and whose values they are, and what is noted on the way."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import torch
from torch import Tensor

STAYS = 0  # the label of what belongs to no unit that could go


@dataclass(frozen=True)
class Flow:
    """A tensor on its way through the network, (N, ...).

    Attributes:
        values: in float64, NaN where they depend on the network's inputs.
        labels: of the same shape, in int64: the unit that each value belongs to.
    """

    values: Tensor
    labels: Tensor


@dataclass(frozen=True)
class Named:
    """A parameter or buffer of the network, by its name.

    Attributes:
        alone: it is used in one place only, under one name.
    """

    name: str
    tensor: Tensor
    alone: bool


@dataclass(frozen=True)
class Read:
    """A linear layer or a convolution: rows of its weight make units, columns read them.

    Attributes:
        rows: (m,) labels of what it makes.
        columns: (n,) labels of what it reads.
        weight: (m, n, ...).
        constants: (n,) what each column reads if that is the same everywhere, else NaN.
        varying: (n,) whether it depends on the network's inputs.
        folds: the column may go if a constant is all that it reads: the sum of its weights times the constant is
            added to ``into``; (n,).
        into: name of a bias or of a running mean, and the sign with which it takes what is folded.
    """

    rows: Tensor
    columns: Tensor
    weight: Tensor
    constants: Tensor
    varying: Tensor
    folds: Tensor
    into: tuple[str, int] | None

    @property
    def nonzero(self) -> Tensor:
        """(m, n) where a row reads a column."""
        return self.weight.ne(0).flatten(2).any(2) if self.weight.ndim > 2 else self.weight.ne(0)


@dataclass(frozen=True)
class Side:
    """A dimension of a tensor of the network: (n,) labels along it."""

    name: str
    dim: int
    labels: Tensor


@dataclass
class Notes:
    """What was seen on the way.

    Attributes:
        fixed: names of tensors that nothing may be folded into.
        count: labels so far, :data:`STAYS` included.
        ties: pairs of labels, of equal shapes, that are of one unit.
        pinned: labels of units that stay, whatever they do.
        outputs: those of the network.
        made: those that layers made.
        padded: labels of channels of zeros before and behind others, of which as many have to stay on either side.
    """

    device: torch.device
    fixed: Collection[str] = ()
    count: int = STAYS + 1
    ties: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    pinned: list[Tensor] = field(default_factory=list)
    outputs: list[Tensor] = field(default_factory=list)
    made: list[Tensor] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    sides: list[Side] = field(default_factory=list)
    padded: list[tuple[Tensor, Tensor]] = field(default_factory=list)

    def new(self, n: int) -> Tensor:
        """(n,) labels that nothing has."""
        first = self.count
        self.count += n
        return torch.arange(first, self.count, device=self.device)

    def tie(self, one: Tensor, other: Tensor) -> None:
        """These are of one unit each; with what stays, the unit stays."""
        apart = one != other
        one, other = one.expand_as(apart)[apart], other.expand_as(apart)[apart]
        loose = (one != STAYS) & (other != STAYS)
        self.ties.append((one[loose], other[loose]))
        self.pin(torch.cat([one[~loose], other[~loose]]))

    def pin(self, labels: Tensor) -> None:
        self.pinned.append(labels.unique())

    def along(self, labels: Tensor, dim: int) -> Tensor:
        """(n,) labels along a dimension, one for all that lies there."""
        lines = labels.movedim(dim, 0).flatten(1) if labels.ndim > 1 else labels[:, None]
        self.tie(lines, lines[:, :1])
        return lines[:, 0]


def spread(labels: Tensor, shape: torch.Size, dim: int) -> Tensor:
    """(n,) labels along a dimension of that shape."""
    sizes = [1] * len(shape)
    sizes[dim] = -1
    return labels.view(sizes).expand(shape)


def differ(labels: Tensor, dim: int) -> bool:
    """Whether units lie side by side along a dimension."""
    return bool((labels != labels.narrow(dim, 0, 1)).any())

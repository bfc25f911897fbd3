"""What is followed through a network, constants and whose values they are, and what is noted on the way."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property

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
        weight: (m, n, k), k positions of a kernel; 1 of a linear layer.
        inside: (k,) whether a position reads inputs wherever the kernel lies, and never the zeros around them.
        outside: (k,) whether it reads zeros wherever the kernel lies.
        constants: (n,) what each column reads if that is one constant, else NaN.
        varying: (n,) whether it depends on the network's inputs.
        into: name of the bias or running mean that takes what is folded, and the sign; None if nothing can.
    """

    rows: Tensor
    columns: Tensor
    weight: Tensor
    inside: Tensor
    outside: Tensor
    constants: Tensor
    varying: Tensor
    into: tuple[str, int] | None

    @cached_property
    def reading(self) -> Tensor:
        """(m, n) where a row reads a column."""
        return (self.weight.ne(0) & ~self.outside).any(2)

    @cached_property
    def bordering(self) -> Tensor:
        """(m, n) where it does so with zeros at some places, so that a constant does not come out as one."""
        mixed = ~self.inside & ~self.outside
        return (self.weight.ne(0) & mixed).any(2) if mixed.any() else torch.zeros_like(self.reading)

    @property
    def folds(self) -> Tensor:
        """(n,) where a column is a constant that the layer can take over, but for what borders on zeros."""
        return self.constants.isfinite() & (self.into is not None)

    def folded(self, columns: Tensor) -> Tensor:
        """(m,) what these (n,) columns, which fold, add to each row."""
        gains = (self.weight[:, columns].double() * self.inside).sum(2)
        return gains @ self.constants[columns]


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
        padded: labels of channels of zeros before and behind others, of which as many have to stay on either side.
    """

    device: torch.device
    fixed: Collection[str] = ()
    count: int = STAYS + 1
    ties: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    pinned: list[Tensor] = field(default_factory=list)
    outputs: list[Tensor] = field(default_factory=list)
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

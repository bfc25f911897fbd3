"""Which units of a pruned network can go without changing what it computes in evaluation mode.

A unit is a neuron of a linear layer, or a channel of a convolution with all that it is added to, multiplied with or
normalised in. It goes when nothing that reaches the outputs reads it, or when its value is a constant that all who read
it can take over: into their bias, or into the running mean of the BatchNorm behind them.

Source: A. Bragagnolo and C. A. Barbano's library Simplify (2022).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sparsetune.sparsity.units.flow import Notes
from sparsetune.sparsity.units.paths import decide
from sparsetune.sparsity.units.walk import walk


@dataclass(frozen=True)
class Cut:
    """A tensor of the network that gets smaller along one dimension.

    Attributes:
        name: of the parameter or buffer.
        kept: (n,) positions that stay, ascending, in int64.
    """

    name: str
    dim: int
    kept: Tensor


@dataclass(frozen=True)
class Removal:
    """What goes.

    Attributes:
        cuts: one for each dimension of a tensor that gets smaller.
        shifts: by name of a bias or running mean what is added to it before it is cut, of its shape.
        units: hidden ones that there were.
        removed: those of them that go.
        stuck: those that have no path but stay: their constant cannot be taken over exactly (a convolution with zeros
            around reads it, or nothing there can take it), or a layer would be left empty, or channels of zeros before
            and behind others would be so no longer in equal numbers.
    """

    cuts: tuple[Cut, ...]
    shifts: Mapping[str, Tensor]
    units: int
    removed: int
    stuck: int


def removal(network: nn.Module, example: Tensor, *, fixed: Collection[str] = ()) -> Removal:
    """What can go of a network, which is left as it is; its outputs stay the same for inputs of the example's shape.

    Numbers that its code works out from widths, such as 1 / sqrt(channels), are taken as they are now.

    Args:
        example: (1 or 2, *input_shape) of what it takes, on its device; the values do not matter.
        fixed: names of tensors that nothing is folded into.

    Raises:
        Untraceable: the network's code cannot be followed.
    """
    notes = walk(network, example, fixed)
    paths = decide(notes)
    cuts = [Cut(side.name, side.dim, paths.kept[side.labels].nonzero().squeeze(1)) for side in notes.sides]
    lengths = [len(side.labels) for side in notes.sides]
    smaller = tuple(cut for cut, length in zip(cuts, lengths, strict=True) if len(cut.kept) < length)
    counts = (int((paths.hidden & mask).sum()) for mask in (paths.hidden, ~paths.kept, paths.stuck))
    return Removal(smaller, _shifts(notes, paths.kept), *counts)


@torch.no_grad()
def _shifts(notes: Notes, kept: Tensor) -> dict[str, Tensor]:
    """Of the layers that read constants of units that go."""
    shifts = {}
    for read in notes.reads:
        columns = ~kept[read.columns] & read.folds & (read.constants != 0)
        if read.into is not None and columns.any():
            name, sign = read.into
            shift = sign * read.folded(columns) * kept[read.rows]
            if shift.any():
                shifts[name] = shift.to(read.weight.dtype)
    return shifts

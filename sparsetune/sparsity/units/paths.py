"""Who goes: units that no path from the inputs leads through, or none to the outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sparsetune.sparsity.units.flow import STAYS, Notes, Read


@dataclass(frozen=True)
class Paths:
    """Each a mask of labels, (count,); labels that are of one unit have the same.

    Attributes:
        kept: what stays.
        stuck: what stays without a path.
        hidden: of units that layers make and that are no outputs, one label each.
    """

    kept: Tensor
    stuck: Tensor
    hidden: Tensor


def unite(count: int, ties: Sequence[tuple[Tensor, Tensor]], device: torch.device) -> Tensor:
    """(count,) the lowest label that each is tied to, over any number of ties."""
    lowest = torch.arange(count, device=device)
    if not ties:
        return lowest
    one, other = (torch.cat(side) for side in zip(*ties, strict=True))
    while True:
        low = torch.minimum(lowest[one], lowest[other])
        lower = lowest.scatter_reduce(0, lowest[one], low, "amin").scatter_reduce(0, lowest[other], low, "amin")
        lower = lower[lower]
        if torch.equal(lower, lowest):
            return lowest
        lowest = lower


def decide(notes: Notes) -> Paths:
    """The fewest units that leave all outputs as they are."""
    unit = unite(notes.count, notes.ties, notes.device)
    outputs = _marked(unit, notes.outputs)
    seeds = outputs | _marked(unit, notes.pinned)
    seeds[STAYS] = True
    path = _reached(notes.reads, unit, seeds, [read.reading & read.varying for read in notes.reads])
    standing = torch.zeros_like(seeds)
    while True:
        needs = [_needs(read, standing[unit[read.columns]]) for read in notes.reads]
        kept = (_reached(notes.reads, unit, seeds, needs) | standing)[unit]
        more = torch.cat([*_last_one(notes, kept), *_uneven(notes, kept), unit[:0]])
        if not len(more):
            hidden = _marked(unit, [read.rows for read in notes.reads]) & ~outputs
            return Paths(kept, kept & ~path[unit], hidden)
        standing[unit[more]] = True


def _needs(read: Read, standing: Tensor) -> Tensor:
    """(m, n) where a row cannot do without a column: what is not 0 and not folded, as of a unit that stays anyway."""
    return (read.reading & (~read.folds | standing) | read.bordering) & (read.constants != 0)


def _marked(unit: Tensor, labels: Sequence[Tensor]) -> Tensor:
    """(count,) True at the lowest label of each of these units."""
    marked = torch.zeros_like(unit, dtype=torch.bool)
    for each in labels:
        marked[unit[each]] = True
    return marked


def _reached(reads: Sequence[Read], unit: Tensor, seeds: Tensor, needs: Sequence[Tensor]) -> Tensor:
    """The units that these need, over any number of layers: (m, n) says for each layer which row needs which column."""
    reached = seeds.clone()
    before = torch.zeros_like(seeds)
    while not torch.equal(before, reached):
        before = reached.clone()
        for read, need in zip(reversed(reads), reversed(needs), strict=True):
            reached[unit[read.columns[need[reached[unit[read.rows]]].any(0)]]] = True
    return reached


def _last_one(notes: Notes, kept: Tensor) -> list[Tensor]:
    """One of the last tensor that would be left empty; what it reads may be all that those before it need."""
    return [side.labels[:1] for side in notes.sides if not kept[side.labels].any()][-1:]


def _uneven(notes: Notes, kept: Tensor) -> list[Tensor]:
    """Of padded channels those that may not go, so that half of them lie before and half, or one more, behind."""
    more = []
    for before, behind in notes.padded:
        ahead, after = int(kept[before].sum()), int(kept[behind].sum())
        more.append(behind[~kept[behind]][: max(0, ahead - after)])
        more.append(before[~kept[before]][: max(0, after - 1 - ahead)])
    return more

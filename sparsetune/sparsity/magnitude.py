"""Magnitude pruning of what is left: how many weights a level removes, and which."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import torch
from torch import Tensor

from sparsetune.sparsity.masks import kth_smallest

Counting = Literal["nearest", "percentile", "above"]

_COUNTS = {
    "nearest": lambda fraction, left: round(fraction * left),
    "percentile": lambda fraction, left: math.ceil(fraction * (left - 1)),
    "above": lambda fraction, left: math.ceil(fraction * left) + 1,
}


@dataclass(frozen=True)
class Shares:
    """Which fraction of its surviving weights a level takes from a tensor.

    Attributes:
        linear: of a linear layer's, 0 to 1; so
        conv: of a convolution's.
        output: factor on that of the last layer.
        together: tensors with one fraction are ranked together, instead of each by itself.
        counting: how a fraction becomes a count. ``nearest``: the nearest whole number, of two the even one, as
            torch.nn.utils.prune does; ``percentile``: what lies strictly below the interpolated percentile, as in
            rahulvigneswaran/Lottery-Ticket-Hypothesis-in-Pytorch; ``above``: one more than the next whole number, as
            facebookresearch/open_lth does, which keeps what is above the weight of that rank.
    """

    linear: float
    conv: float
    output: float = 1.0
    together: bool = False
    counting: Counting = "nearest"

    def of(self, weights: Mapping[str, Tensor]) -> dict[str, Fraction]:
        """By name, of tensors in the order of the network's layers; as they are written: 0.07 of 100 are 7."""
        whole = {name: Fraction(str(self.conv if weight.ndim > 2 else self.linear)) for name, weight in weights.items()}
        last = next(reversed(whole))
        return {**whole, last: whole[last] * Fraction(str(self.output))}

    def groups(self, weights: Mapping[str, Tensor]) -> Iterator[tuple[list[str], Fraction]]:
        """Names of the tensors that are ranked together, with their fraction."""
        shares = self.of(weights)
        if not self.together:
            yield from (([name], share) for name, share in shares.items())
            return
        for share in dict.fromkeys(shares.values()):
            yield [name for name, other in shares.items() if other == share], share

    def removed(self, fraction: Fraction, left: int, levels: int = 1) -> int:
        """How many of so many weights these levels remove, each a fraction of what the one before has left."""
        kept = left
        for _ in range(levels):
            kept -= min(kept, _COUNTS[self.counting](fraction, kept)) if fraction else 0
        return left - kept


def pruned(
    weights: Mapping[str, Tensor], masks: Mapping[str, Tensor], shares: Shares, levels: int = 1
) -> dict[str, Tensor]:
    """Masks (bool, shaped like the weights) without the smallest magnitudes of what ``masks`` keep.

    Args:
        masks: of some of the weights, or none; whoever has none is whole.
        levels: so many at once: as many weights go as would in so many steps.
    """
    left = {name: masks.get(name, torch.ones_like(weight, dtype=torch.bool)) for name, weight in weights.items()}
    for names, fraction in shares.groups(weights):
        survivors = torch.cat([weights[name].detach()[left[name]].abs() for name in names])
        kept = without_smallest(survivors, shares.removed(fraction, len(survivors), levels))
        for name, part in zip(names, kept.split([int(left[name].sum()) for name in names]), strict=True):
            left[name] = left[name].masked_scatter(left[name], part)
    return left


def without_smallest(magnitudes: Tensor, count: int) -> Tensor:
    """A mask of (n,) magnitudes, False for exactly ``count``, the smallest; of equal ones the first go."""
    if count == 0:
        return torch.ones_like(magnitudes, dtype=torch.bool)
    threshold = kth_smallest(magnitudes, count)
    kept = magnitudes > threshold
    equal = (magnitudes == threshold).nonzero().squeeze(1)
    goes = count - int((magnitudes < threshold).sum())
    kept[equal[goes:]] = True
    return kept

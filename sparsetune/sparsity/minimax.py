"""PMMP's objective: a penalty on the number of weights as a minimax problem without samples, with its gradients.

Beside each weight theta stand a copy w of its own, the probability p that it is kept and a multiplier u. With z = 1
with probability p, else 0,

    min over theta, w, p   max over u:   loss(theta) + alpha sum p + factor sum u E[(theta - w z)^2]

where the expectation is (1 - p) theta^2 + p (theta - w)^2, which is 0 where theta is w z for certain: p is 0 or 1.
Source: L0-and-behold/efficient-compression.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from sparsetune.sparsity.session import Session

UNDECIDED = (0.1, 0.9)
_PIECE = {"cpu": 1 << 18, "cuda": 1 << 24}  # numbers at once: what is in between stays in a cache, and small


class Copies(NamedTuple):
    """What stands beside a weight, or a gradient for each; all of its shape.

    Attributes:
        free: w, any number.
        keep: p, 0 to 1.
        multiplier: u, at least 0.
    """

    free: Tensor
    keep: Tensor
    multiplier: Tensor


@dataclass(frozen=True)
class Minimax:
    """alpha sum p + factor sum u E[(theta - w z)^2].

    Attributes:
        alpha: what a weight costs that is kept, at least 0.
        factor: on all multipliers, above 0.
    """

    alpha: float
    factor: float = 1.0

    def objective(self, weight: Tensor, copies: Copies) -> Tensor:
        """The sum over (...) weights."""
        return (self.alpha * copies.keep + self.factor * copies.multiplier * gap(weight, copies)).sum()

    def add_gradients(
        self, to: Tensor, of_copies: Copies, weight: Tensor, copies: Copies, mask: Tensor | None = None
    ) -> None:
        """Add the weights' gradient to ``to``, and overwrite ``of_copies`` with those of the copies.

        The multipliers' is never below 0: they are to ascend.

        Args:
            to: the shape of the weights; so
            weight: and
            mask: bool: what is False is pruned, so that theta and p are 0 there, and has no gradient.
        """
        alpha, nothing = weight.new_full((), self.alpha), weight.new_zeros(())
        masks = () if mask is None else (as_factor(mask),)
        for piece in pieces(to, *of_copies, weight, *copies, *masks):
            onto, free_, keep_, multiplier_, theta, w, p, u, *kept = piece
            torch.sub(w, theta, out=free_)
            squares = torch.addcmul(nothing, free_, free_, value=self.factor)
            torch.addcmul(nothing, theta, theta, value=self.factor, out=multiplier_)
            torch.sub(squares, multiplier_, out=keep_)
            torch.addcmul(alpha, u, keep_, out=keep_)  # alpha + factor u w (w - 2 theta)
            multiplier_.lerp_(squares, p)  # factor ((1 - p) theta^2 + p (theta - w)^2)
            torch.addcmul(theta, w, p, value=-1, out=squares)
            onto.addcmul_(u, squares, value=2 * self.factor)  # 2 factor u (theta - w p)
            free_.mul_(p)
            torch.addcmul(nothing, free_, u, value=2 * self.factor, out=free_)  # 2 factor u p (w - theta)
            for each in kept:
                keep_.mul_(each)


def as_factor(mask: Tensor) -> Tensor:
    """A bool mask as numbers 0 and 1 in the same memory: a product with these takes an eighth of the time."""
    return mask.view(torch.uint8)


def gap(weight: Tensor, copies: Copies) -> Tensor:
    """E[(theta - w z)^2] of (...) weights over z, which is 1 with probability p and else 0."""
    return weight.square().lerp((weight - copies.free).square(), copies.keep)


def pieces(*tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """The same parts of tensors of one shape, small enough for a cache; as a whole where memory has another order."""
    size = _PIECE.get(tensors[0].device.type, 1 << 24)
    if tensors[0].numel() <= size or not all(each.is_contiguous() for each in tensors):
        return iter((tensors,))
    return zip(*(each.view(-1).split(size) for each in tensors), strict=True)


def copies_of(session: Session) -> dict[str, Copies]:
    """What stands beside a session's weights, by name."""
    parameters = session.network.named_parameters()
    beside = {name: session.companions(name) for name, _ in parameters}
    return {name: Copies(*each) for name, each in beside.items() if each}


def undecided_share(copies: Mapping[str, Copies], masks: Mapping[str, Tensor]) -> float:
    """Of the weights that masks keep the share whose p lies between 0.1 and 0.9, without these; 0 where none is kept.

    Of a pruned weight p is 0.
    """
    low, high = UNDECIDED
    between = _total((each.keep > low) & (each.keep < high) for each in copies.values())
    left = _total(masks[name] for name in copies if name in masks)
    left += sum(each.keep.numel() for name, each in copies.items() if name not in masks)
    return between / left if left else 0.0


def violation(weights: Mapping[str, Tensor], copies: Mapping[str, Copies]) -> float:
    """sum E[(theta - w z)^2] / sum theta^2: how far what is drawn is from the weights; 0 where these are all 0."""
    gaps = _total(gap(weights[name], each) for name, each in copies.items())
    squares = _total(weights[name].square() for name in copies)
    return gaps / squares if squares else 0.0


def _total(tensors: Iterable[Tensor]) -> float:
    """Of all their numbers; the device is waited for once."""
    sums = [each.sum() for each in tensors]
    return float(sum(torch.stack(sums).tolist())) if sums else 0.0

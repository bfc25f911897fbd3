"""How much the outputs of a linear map change when its weights are dropped at random: in expectation, in closed form.

A weight w is kept with probability p, each by itself. The expected square of what the outputs then differ from those of
another map depends on the inputs through their second moments alone.

Source: L0-and-behold/efficient-compression (layerwise pruning), which takes it batch by batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Moments:
    """The sum of x x^T over inputs x, itself or by the inputs.

    Attributes:
        values: (groups, n, n) sums, or (groups, inputs, n) the inputs; maps of different groups share no inputs.
        summed: which of the two.
    """

    values: Tensor
    summed: bool = True

    @property
    def squares(self) -> Tensor:
        """(groups, 1, n): their diagonals."""
        if self.summed:
            return self.values.diagonal(dim1=1, dim2=2).unsqueeze(1)
        return self.values.square().sum(1, keepdim=True)

    def times(self, maps: Tensor) -> Tensor:
        """(groups, m, n) maps times them."""
        return maps @ self.values if self.summed else (maps @ self.values.mT) @ self.values

    def multiplications(self, maps: Tensor) -> int:
        """That this takes."""
        return maps.numel() * self.values.shape[1] * (1 if self.summed else 2)


def expected_error(weights: Tensor, keep: Tensor, target: Tensor, moments: Moments) -> Tensor:
    """E |(target - z weights) x|^2 summed over inputs x, for z that are 1 with probability ``keep`` and else 0.

    Args:
        weights: (groups, m, n), so are
        keep: and
        target: the map whose outputs are to be met.
    """
    missed = target - weights * keep
    of_mean = (missed * moments.times(missed)).sum()
    return of_mean + (weights.square() * keep * (1 - keep) * moments.squares).sum()


def slopes(values: Tensor, target: Tensor, moments: Moments, squares: Tensor, into: Tensor) -> Tensor:
    """The gradient of the expected error, and the error itself.

    Args:
        values: (2, groups, m, n) weights and keep probabilities, and
        into: theirs.
        squares: of the moments.

    Returns:
        A scalar that nobody waits for.
    """
    weights, keep = values
    missed = torch.addcmul(target, weights, keep, value=-1)
    product = moments.times(missed)
    own = weights * squares
    kept = own * keep
    pull = product.add(kept)  # slopes are 2 p (own - pull) and w (own - 2 pull)
    torch.sub(own, pull, out=into[0]).mul_(keep).mul_(2)
    torch.sub(own, pull, alpha=2, out=into[1]).mul_(weights)
    variance = torch.dot((weights * keep).flatten(), own.sub_(kept).flatten())
    return torch.dot(missed.flatten(), product.flatten()) + variance

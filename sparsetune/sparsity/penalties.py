"""Penalties on the size of weights, as gradients: relaxed L1, DRR, L2. Objectives are per weight, summed over all.

Source: L0-and-behold/efficient-compression. The gradient at exactly 0 is 0, so what is pruned feels nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import softshrink


@dataclass(frozen=True)
class RelaxedL1:
    """alpha |w| + rho w^2.

    Attributes:
        alpha: at least 0; so
        rho.
    """

    alpha: float
    rho: float = 0.0

    def objective(self, weights: Tensor) -> Tensor:
        """The sum over (...) weights."""
        return (self.alpha * weights.abs() + self.rho * weights.square()).sum()

    def gradient(self, weights: list[Tensor], factors: Sequence[float]) -> list[Tensor]:
        """alpha sign(w) + 2 rho w, the first term times each weight's factor."""
        gradients = list(torch._foreach_sign(weights))
        torch._foreach_mul_(gradients, [self.alpha * factor for factor in factors])
        return _with_squares(gradients, weights, self.rho)

    def proximal(self, weights: Tensor, step: float) -> Tensor:
        """The v of least (v - w)^2 / 2 + step x objective(v): sign(w) max(|w| - step alpha, 0) / (1 + 2 step rho)."""
        return softshrink(weights, step * self.alpha) / (1 + 2 * step * self.rho)


@dataclass(frozen=True)
class Drr:
    """Smooth exponential l0: alpha (1 - exp(-beta |w|)) + rho w^2.

    Attributes:
        alpha: at least 0; so
        beta: and
        rho.
    """

    alpha: float
    beta: float = 5.0
    rho: float = 0.0

    def objective(self, weights: Tensor) -> Tensor:
        """The sum over (...) weights."""
        return (self.alpha * (1 - torch.exp(-self.beta * weights.abs())) + self.rho * weights.square()).sum()

    def gradient(self, weights: list[Tensor], factors: Sequence[float]) -> list[Tensor]:
        """alpha beta sign(w) exp(-beta |w|) + 2 rho w, the first term times each weight's factor."""
        gradients = list(torch._foreach_abs(weights))
        torch._foreach_mul_(gradients, -self.beta)
        torch._foreach_exp_(gradients)
        torch._foreach_mul_(gradients, torch._foreach_sign(weights))
        torch._foreach_mul_(gradients, [self.alpha * self.beta * factor for factor in factors])
        return _with_squares(gradients, weights, self.rho)


Penalty = RelaxedL1 | Drr


def _with_squares(gradients: list[Tensor], weights: list[Tensor], rho: float) -> list[Tensor]:
    if rho:
        torch._foreach_add_(gradients, weights, alpha=2 * rho)
    return gradients


def norm_factors(sizes: Mapping[str, int], blocks: Mapping[str, str]) -> dict[str, float]:
    """Factors by which all blocks' penalties weigh alike: all weights / (weights of the block x blocks).

    Args:
        sizes: weights of each tensor, by name.
        blocks: of each tensor the name of the block that it is in.
    """
    total = sum(sizes.values())
    of_block: dict[str, int] = {}
    for name, size in sizes.items():
        of_block[blocks[name]] = of_block.get(blocks[name], 0) + size
    return {name: total / (of_block[blocks[name]] * len(of_block)) for name in sizes}

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

    def add_gradient(self, to: list[Tensor], weights: list[Tensor], factors: Sequence[float], times: float) -> None:
        """Add ``times`` alpha sign(w) + 2 rho w to tensors, one for each weight, the first term times its factor."""
        signs = torch._foreach_sign(weights)
        _add_squares(to, weights, times * self.rho)
        torch._foreach_mul_(list(signs), [times * self.alpha * factor for factor in factors])
        torch._foreach_add_(to, list(signs))

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

    def add_gradient(self, to: list[Tensor], weights: list[Tensor], factors: Sequence[float], times: float) -> None:
        """Add ``times`` alpha beta sign(w) exp(-beta |w|) + 2 rho w to tensors; the factors are on the first term."""
        signs, bent = torch._foreach_sign(weights), list(torch._foreach_abs(weights))
        torch._foreach_mul_(bent, -self.beta)
        torch._foreach_exp_(bent)
        _add_squares(to, weights, times * self.rho)
        torch._foreach_addcmul_(to, bent, list(signs), [times * self.alpha * self.beta * each for each in factors])


Penalty = RelaxedL1 | Drr


def _add_squares(to: list[Tensor], weights: list[Tensor], rho: float) -> None:
    if rho:
        torch._foreach_add_(to, weights, alpha=2 * rho)


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

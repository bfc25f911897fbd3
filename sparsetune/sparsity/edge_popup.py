"""Edge-popup: weights stay as they were drawn, and every weight has a trained score that decides whether it is kept.

Sources: V. Ramanujan et al., What's Hidden in a Randomly Weighted Neural Network? (2020); with one threshold for all
layers K. Sreenivasan et al., Rare Gems (2022).

The network's own parameters hold the kept weights and zeros, so that it needs no layers of a special kind; gradients
that arrive there are passed on to the scores. All scores are one vector: threshold, mask and update are one operation
each, whatever the number of layers. Nothing else of the network is trained: no biases, norms without scale and shift.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from itertools import accumulate, pairwise

import torch
from torch import Tensor, nn

from sparsetune.sparsity.masks import keep_largest_, removed_count

_BIASES = ("bias", "in_proj_bias")  # of convolutions and linear layers, of attention
_SCALED = {
    nn.modules.batchnorm._BatchNorm: "affine",
    nn.GroupNorm: "affine",
    nn.LayerNorm: "elementwise_affine",
}


class EdgePopup:
    """Weights, scores and masks of a network's layers, n in all.

    Attributes:
        drawn: (n,) the weights as they were drawn, which nothing changes.
        scores: (n,) what is trained.
    """

    def __init__(
        self,
        weights: Mapping[str, nn.Parameter],
        sparsity: float,
        *,
        by_layer: bool,
        by_fan_in: bool,
        generator: torch.Generator,
    ) -> None:
        """
        Args:
            weights: of the network by name; each (out, ...), drawn. From now on they hold what is kept.
            sparsity: removed fraction, 0 to 1.
            by_layer: of each layer that fraction, instead of all together.
            by_fan_in: rank |score| sqrt(fan_in) instead of |score|, so that all layers begin with equal densities.
            generator: on the CPU; draws the scores from U(-1, 1) / sqrt(fan_in).
        """
        self.names = tuple(weights)
        self._weights = list(weights.values())
        self.drawn = torch.cat([weight.detach().flatten() for weight in self._weights])
        sizes = [weight.numel() for weight in self._weights]
        roots = [torch.full((w.numel(),), math.sqrt(w[0].numel()), dtype=torch.float64) for w in self._weights]
        root_fan_in = torch.cat(roots)
        uniform = torch.rand(len(root_fan_in), generator=generator)
        self.scores = nn.Parameter(((2 * uniform - 1) / root_fan_in).to(self.drawn))
        self._mask = torch.ones_like(self.drawn)
        self._per_score = torch.zeros_like(self.drawn)  # d weight / d score: sign(score) x weight
        self._factors = root_fan_in.to(self.drawn) if by_fan_in else None
        self._parts = [slice(*ends) for ends in pairwise(accumulate(sizes, initial=0))]
        groups = self._parts if by_layer else [slice(0, len(self.drawn))]
        self._groups = [(group, removed_count(sparsity, group.stop - group.start)) for group in groups]
        gradient = torch.zeros_like(self.drawn)
        for weight, part in zip(self._weights, self._parts, strict=True):
            pieces = (vector[part].view(weight.shape) for vector in (gradient, self._per_score))
            weight.register_post_accumulate_grad_hook(_ToScores(self.scores, gradient, *pieces))

    @torch.no_grad()
    def select(self) -> None:
        """Keep the weights with the largest |score|, by thresholds that are exact for the scores of now."""
        torch.abs(self.scores, out=self._mask)
        if self._factors is not None:
            self._mask.mul_(self._factors)
        for group, removed in self._groups:
            keep_largest_(self._mask[group], removed)
        self._put(self._mask)
        self._aim()

    @torch.no_grad()
    def take_up(self, scores: Tensor) -> None:
        """Go on with (n,) scores, without selecting: the network holds what they keep, or another state."""
        self.scores.copy_(scores)
        self._aim()

    @torch.no_grad()
    def keep(self, mask: Tensor) -> None:
        """Keep the weights where (n,) ``mask`` is True, whatever the scores say."""
        self._put(mask.to(self.drawn))

    @property
    def kept(self) -> Tensor:
        """(n,) bool: what the network holds now. A weight that was drawn as exactly 0 counts as removed."""
        return torch.cat([weight.detach().flatten() != 0 for weight in self._weights])

    def kept_counts(self) -> Sequence[int]:
        """How many weights of each layer the network holds now; the device is waited for once."""
        counts: list[int] = torch.stack([torch.count_nonzero(weight.detach()) for weight in self._weights]).tolist()
        return counts

    def _aim(self) -> None:
        """Which way the gradient of a weight moves its score."""
        torch.sign(self.scores, out=self._per_score).mul_(self.drawn)

    def _put(self, mask: Tensor) -> None:
        for weight, part in zip(self._weights, self._parts, strict=True):
            torch.mul(self.drawn[part].view(weight.shape), mask[part].view(weight.shape), out=weight.detach())


class _ToScores:
    """The straight-through gradient: dL/dS += dL/dW sign(S) W for kept and removed weights. Knows no network."""

    def __init__(self, scores: nn.Parameter, gradient: Tensor, own: Tensor, per_score: Tensor) -> None:
        self._scores, self._gradient, self._own, self._per_score = scores, gradient, own, per_score

    def __call__(self, weight: Tensor) -> None:
        if self._scores.grad is None:
            self._scores.grad = self._gradient.zero_()
        assert weight.grad is not None
        self._own.addcmul_(weight.grad, self._per_score)
        weight.grad = None


def make_bare(network: nn.Module, weights: Collection[str]) -> None:
    """Take off biases and the parameters of norms, in place; what is left beside ``weights`` stays as it was drawn.

    Args:
        weights: names of the parameters that are worked on.
    """
    for module in network.modules():
        for kind, flag in _SCALED.items():
            if isinstance(module, kind):
                setattr(module, flag, False)
                module.register_parameter("weight", None)
        for name in _BIASES:
            if isinstance(getattr(module, name, None), nn.Parameter):
                module.register_parameter(name, None)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name in weights)

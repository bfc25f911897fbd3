"""Methods that train on some samples of a batch: how much a sample matters, which are taken, how many they were."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from sparsetune.config.metrics import Metric
from sparsetune.sparsity.method import Method
from sparsetune.sparsity.metrics import ACTIVATION_RATE
from sparsetune.sparsity.session import Session


class SelectingMethod(Method):
    """Counts the samples that are drawn and those of them that are trained on."""

    metrics: ClassVar[tuple[Metric | str, ...]] = (ACTIVATION_RATE,)

    def __init__(self, config: Any, session: Session) -> None:
        super().__init__(config, session)
        self._drawn = self._active = 0

    def count(self, drawn: int, active: int) -> None:
        """So many of a batch are trained on."""
        self._drawn += drawn
        self._active += active

    def activation_rate(self) -> float:
        """Active samples / samples drawn, since this was last called."""
        rate = self._active / self._drawn
        self._drawn = self._active = 0
        return rate


def significance(logits: Tensor, targets: Tensor, entropy_weight: float) -> Tensor:
    """AST's significance: cross entropy + ``entropy_weight`` x predictive entropy, both in nats.

    Args:
        logits: (B, C).
        targets: (B,) int64 classes.
        entropy_weight: at least 0; 0 ranks by loss alone.

    Returns:
        (B,) values, at least 0.
    """
    log_p = torch.log_softmax(logits, dim=1)
    cross_entropy = -log_p.gather(1, targets.unsqueeze(1)).squeeze(1)
    if entropy_weight == 0:
        return cross_entropy
    entropy = -(log_p.exp() * log_p).sum(dim=1)
    return cross_entropy + entropy_weight * entropy


def at_least(scores: Tensor, threshold: float, minimum: int) -> Tensor:
    """Indices of the scores at or above the threshold, or of the ``minimum`` highest where those are fewer.

    Args:
        scores: (B,).
        minimum: from 1 to B.

    Returns:
        int64 indices in ascending order; exactly ``minimum`` of them when the threshold leaves fewer.
    """
    active = (scores >= threshold).nonzero().squeeze(1)
    if active.numel() >= minimum:
        return active
    return scores.topk(minimum).indices.sort().values

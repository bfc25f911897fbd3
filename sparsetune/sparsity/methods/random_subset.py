"""Random subset: train on a random part of each batch. The control of a method that selects samples.

Paper:   none; the baseline that data pruning is held against (Okanovic et al., "Repeated Random Sampling for Minimizing
         the Time-to-Accuracy of Learning", ICLR 2024).
Idea:    draw a fraction of each batch anew, without looking at it. Nothing is scored, so a step costs its share of a
         dense one; what a method that scores gains beyond this, its scores have earned.
Hooks:   select, numbers.
Ranges:  search_spaces/random_subset.yaml: fraction 0.1-0.9.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from sparsetune.base.errors import BadInput
from sparsetune.base.messages import Metrics
from sparsetune.config.base import Part, param
from sparsetune.config.facts import normed_batches
from sparsetune.config.registry import Registries
from sparsetune.config.trial import TrialConfig
from sparsetune.sparsity.method import Selection
from sparsetune.sparsity.metrics import ACTIVATION_RATE
from sparsetune.sparsity.selecting import SelectingMethod


class RandomSubsetConfig(Part):
    """How much of a batch."""

    name: Literal["random_subset"] = "random_subset"
    fraction: float = param(0.25, "fraction of a batch to train on; 1 is dense training", phase="train", gt=0, le=1)

    def active(self, batch: int) -> int:
        """How many samples of a batch of that size are trained on: the nearest whole number, at least 1."""
        return max(1, round(self.fraction * batch))


class RandomSubset(SelectingMethod):
    """Selects without having scored."""

    Config = RandomSubsetConfig

    config: RandomSubsetConfig

    @classmethod
    def check(cls, config: TrialConfig, registries: Registries) -> None:
        """BatchNorm must get two samples of each batch that has two."""
        method = config.method
        assert isinstance(method, RandomSubsetConfig)
        for size in normed_batches(config, registries):
            if method.active(size) == 1:
                raise BadInput(
                    f"it leaves 1 sample of a batch of {size}, and batch_norm cannot train on one",
                    found=f"{method.fraction:g}",
                    allowed=f"from {1.5 / size:.3g}",
                    key="method.fraction",
                )

    def select(self, inputs: Tensor, targets: Tensor) -> Selection | None:
        """As many samples as ``fraction`` says, each as likely as any other."""
        batch = len(targets)
        active = self.config.active(batch)
        self.count(batch, active)
        if active == batch:
            return None
        return Selection(torch.randperm(batch, device=targets.device)[:active])

    def numbers(self) -> Metrics:
        return {ACTIVATION_RATE.name: self.activation_rate()}

"""Random gradient pruning: weights whose gradient is exactly 0 cannot matter, and go.

Source: L0-and-behold/efficient-compression, which asks one batch of noise; a unit that is silent on noise may speak on
data, so several batches of real samples are the default here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch

from sparsetune.sparsity.session import Session
from sparsetune.sparsity.tamade import narrow, with_biases


@dataclass(frozen=True)
class GradientPruning:
    """Remove what has no gradient on any of some batches, in evaluation mode.

    Attributes:
        inputs: training samples with their targets, or standard normal noise with such targets.
        batches: how many, at least 1.
        size: samples in each, at least 1.
        biases: those of prunable layers are looked at, too.
    """

    inputs: Literal["data", "noise"] = "data"
    batches: int = 10
    size: int = 500
    biases: bool = True

    def __call__(self, session: Session, state: Any = None) -> None:
        weights = with_biases(session, self.biases)
        matter = {name: torch.zeros_like(weight, dtype=torch.bool) for name, weight in weights.items()}
        session.network.eval()
        for number, (inputs, targets) in enumerate(session.batches("train", self.size)):
            if number == self.batches:
                break
            if self.inputs == "noise":
                inputs = torch.randn(inputs.shape, dtype=inputs.dtype).to(inputs.device)
                with torch.no_grad():
                    targets = torch.randn(session.network(inputs).shape, dtype=inputs.dtype).to(inputs.device)
            objective = session.objective(inputs, targets)
            gradients = torch.autograd.grad(objective, list(weights.values()), materialize_grads=True)
            session.spend(trained=len(inputs))
            for mask, gradient in zip(matter.values(), gradients, strict=True):
                mask |= gradient != 0
        narrow(session, matter)

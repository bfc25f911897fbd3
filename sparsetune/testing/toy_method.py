"""A toy that stands in for methods with a pruning step: train, prune once by magnitude, fine-tune what is left.

Idea:    the weights of least magnitude, over all prunable tensors together, become zero and stay so, or as many drawn
         ones; with dropout layers, predictions are averaged over networks with dropped units, as in dense training.
Hooks:   begin_phase, after_step, after_epoch, begin_evaluation, predict, summary.
Ranges:  density 0.02-1 (log), finetune_epochs 1-10.

The text of this file serves as a file of a user's own, too: it ends with the tables by which that registers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from sparsetune.config.base import param
from sparsetune.config.messages import Metrics
from sparsetune.config.metrics import Metric
from sparsetune.config.trial import Training
from sparsetune.sparsity.dropout import DropoutConfig
from sparsetune.sparsity.method import Phase
from sparsetune.sparsity.methods.dense import Dense
from sparsetune.sparsity.session import Session

FINETUNE = "finetune"


class ToyConfig(DropoutConfig):
    """Settings of the toy."""

    name: Literal["toy"] = "toy"
    density: float = param(0.2, "fraction of the prunable weights that is kept", phase=FINETUNE, gt=0, le=1)
    keeps: Literal["largest", "any"] = param(
        "largest", "which weights these are: of largest magnitude, or drawn", phase=FINETUNE
    )
    finetune_epochs: int = param(2, "epochs after pruning", unit="epochs", phase=FINETUNE, ge=1)


class ToyPruning(Dense):
    """Dense training, then a mask."""

    Config: ClassVar[Any] = ToyConfig
    metrics = ("density", "norm_kept")
    phases = ("train", FINETUNE)

    config: Any  # a ToyConfig

    def __init__(self, config: Any, session: Session) -> None:
        super().__init__(config, session)
        self._weights = session.prunable
        self._masks: dict[str, Tensor] = {}  # none before the step that prunes
        self._norm_kept = 1.0

    @classmethod
    def plan(cls, config: Any, training: Training) -> tuple[Phase, ...]:
        """Train as long as dense training does, then fine-tune; the first epoch after pruning is no measure."""
        return (*super().plan(config, training), Phase(FINETUNE, config.finetune_epochs, settle=1))

    def begin_phase(self, phase: Phase) -> None:
        """Prune before fine-tuning."""
        if phase.name == FINETUNE:
            before = _squares(self._weights)
            drawn = {name: torch.rand_like(weight) for name, weight in self._weights.items()}
            scores = self._weights if self.config.keeps == "largest" else drawn
            self._masks = magnitude_masks(scores, self.config.density)
            self.after_step()
            self._norm_kept = _squares(self._weights) / before

    @torch.no_grad()
    def after_step(self) -> None:
        """What is pruned stays zero, whatever the optimiser's momentum does."""
        for name, mask in self._masks.items():
            self._weights[name].mul_(mask)

    def after_epoch(self) -> Metrics:
        """The density so far."""
        kept = sum(int(mask.sum()) for mask in self._masks.values())
        return {"density": kept / sum(mask.numel() for mask in self._masks.values()) if self._masks else 1.0}

    def summary(self) -> Metrics:
        """What pruning left of the weights' size."""
        return {"norm_kept": self._norm_kept}

    def state_dict(self) -> dict[str, Any]:
        return {"masks": dict(self._masks), "norm_kept": self._norm_kept}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._masks = {name: mask.to(self._weights[name].device) for name, mask in state["masks"].items()}
        self._norm_kept = state["norm_kept"]


def magnitude_masks(weights: Mapping[str, Tensor], density: float) -> dict[str, Tensor]:
    """Of each tensor a mask of its shape, bool: True for the largest magnitudes of all tensors together.

    Args:
        density: fraction that is kept, rounded to whole weights, at least one; of equal ones the first.
    """
    magnitudes = torch.cat([weight.detach().abs().flatten() for weight in weights.values()])
    kept = torch.zeros_like(magnitudes, dtype=torch.bool)
    kept[magnitudes.argsort(descending=True, stable=True)[: max(1, round(density * len(magnitudes)))]] = True
    parts = kept.split([weight.numel() for weight in weights.values()])
    return {name: part.reshape(weight.shape) for (name, weight), part in zip(weights.items(), parts, strict=True)}


def margin(outputs: Tensor, targets: Tensor) -> float:
    """Mean over samples of the own class's logit less the best other: outputs (N, C), targets (N,) classes."""
    own = targets.unsqueeze(1)
    others = outputs.scatter(1, own, -torch.inf).amax(1)
    return float((outputs.gather(1, own).squeeze(1) - others).mean())


def _squares(weights: Mapping[str, Tensor]) -> float:
    return sum(float(weight.detach().double().square().sum()) for weight in weights.values())


METHODS = {"toy": ToyPruning}
METRICS = {
    Metric("norm_kept", "fraction", "maximize", "end", "share of the weights' squared norm that pruning kept"): None,
    Metric("margin", "", "maximize", "end", "mean logit of the right class less the best other", task="classification"):
        margin,
}  # fmt: skip

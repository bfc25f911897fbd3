"""A toy that stands in for methods with a pruning step: train, prune once by magnitude, fine-tune what is left.

Idea:    the weights of least magnitude, over all prunable tensors together, become zero and stay so, or as many drawn
         ones; with dropout layers, predictions are averaged over networks with dropped units, as in dense training.
Hooks:   numbers, begin_evaluation, predict, summary.
Ranges:  density 0.02-1 (log), finetune_epochs 1-10.

The text of this file serves as a file of a user's own, too: it ends with the tables by which that registers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from sparsetune.base.durations import Duration
from sparsetune.base.messages import Metrics
from sparsetune.config.base import param
from sparsetune.config.metrics import Metric
from sparsetune.config.trial import Training
from sparsetune.sparsity.dropout import DropoutConfig
from sparsetune.sparsity.methods.dense import Dense
from sparsetune.sparsity.session import Session
from sparsetune.sparsity.stage import Stage

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
    metrics = ("density", "norm")
    phases = ("train", FINETUNE)

    config: Any  # a ToyConfig

    @classmethod
    def tree(cls, config: Any, training: Training) -> Stage:
        """Train as long as dense training does, prune, fine-tune; the first evaluation after pruning is no measure."""
        pruned = Pruning(config.density, config.keeps)
        length = Duration(config.finetune_epochs)
        finetune = cls.stage(FINETUNE, length, config, training, before=(pruned,), settle=1)
        return cls.stage("train", training.length, config, training, then=(finetune,))

    def numbers(self) -> Metrics:
        """The density so far."""
        masks = self.session.masks.values()
        return {"density": sum(int(each.sum()) for each in masks) / sum(map(Tensor.numel, masks)) if masks else 1.0}

    def summary(self) -> Metrics:
        """What pruning has left of the weights' size, beside what fine-tuning has made of it."""
        return {"norm": _squares(self.session.prunable) ** 0.5}


@dataclass(frozen=True)
class Pruning:
    """Weights that are not kept become zero and stay so."""

    density: float
    keeps: str

    def __call__(self, session: Session, state: Any = None) -> None:
        drawn = {name: torch.rand_like(weight) for name, weight in session.prunable.items()}
        scores = session.prunable if self.keeps == "largest" else drawn
        session.masks.update(magnitude_masks(scores, self.density))


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
    Metric("norm", "", "minimize", "end", "length of the vector of all prunable weights"): None,
    Metric("margin", "", "maximize", "end", "mean logit of the right class less the best other", task="classification"):
        margin,
}  # fmt: skip

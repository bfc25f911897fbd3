"""Methods of compression that train with a penalty on weights, which the reported loss has no part in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn

from sparsetune.config.base import param
from sparsetune.sparsity.compression import Compression
from sparsetune.sparsity.compression_settings import TRAIN, CompressionConfig
from sparsetune.sparsity.penalties import Penalty, norm_factors
from sparsetune.sparsity.session import Session
from sparsetune.sparsity.tamade import with_biases


class PenalisedConfig(CompressionConfig):
    """Settings of a penalty."""

    alpha: float = param(1e-5, "weight of the penalty; 0: none", phase=TRAIN, ge=0, allow_inf_nan=False)
    rho: float = param(0.0, "weight of the weights' squares", phase=TRAIN, ge=0, allow_inf_nan=False)
    alpha_convention: Literal["mean", "sum"] = param(
        "mean",
        "alpha and rho are held against the mean loss of a sample, or against the sum over all training samples",
        phase=TRAIN,
    )


class Regularised(Compression):
    """Has penalties in training alone.

    Attributes:
        weights: that are penalised, by name.
    """

    def __init__(self, config: Any, session: Session) -> None:
        super().__init__(config, session)
        named = with_biases(session, config.prune_biases)
        self.weights: dict[str, Tensor] = {name: weight for name, weight in named.items() if weight.requires_grad}

    @classmethod
    def unpenalised(cls, config: Any) -> Any:
        return config.model_copy(update={"alpha": 0.0, "rho": 0.0})

    @property
    def share(self) -> float:
        """Of a penalty's weight, what it is beside the mean loss of a sample."""
        return 1 / self.session.train_samples if self.config.alpha_convention == "sum" else 1.0

    @property
    def gradients(self) -> list[Tensor]:
        """Of the weights; zeros to throw away for one that no output uses."""
        return [torch.zeros_like(each) if each.grad is None else each.grad for each in self.weights.values()]


class Penalised(Regularised):
    """Adds the gradient of a penalty to that of the loss, or takes it off the weights."""

    def __init__(self, config: Any, session: Session) -> None:
        super().__init__(config, session)
        self.scales = self.scaled(self.weights)

    def scaled(self, weights: Mapping[str, Tensor]) -> list[float]:
        """By what the penalty of each is multiplied."""
        return [1.0] * len(weights)

    def penalty_of(self, alpha: float, rho: float) -> Penalty:
        """The penalty of a mean loss."""
        raise NotImplementedError

    @property
    def present(self) -> Penalty | None:
        """The penalty of the stage that runs, if it has one."""
        alpha, rho = self.config.alpha, self.config.rho
        return self.penalty_of(alpha * self.share, rho * self.share) if alpha or rho else None

    @property
    def lr(self) -> float:
        """Of the step."""
        lr: float = self.session.optimizer.param_groups[0]["lr"]
        return lr

    @torch.no_grad()
    def after_backward(self) -> None:
        if self.config.penalty == "gradient" and (penalty := self.present) is not None:
            penalty.add_gradient(self.gradients, [*self.weights.values()], self.scales, 1.0)

    @torch.no_grad()
    def after_step(self) -> None:
        if self.config.penalty == "decoupled" and (penalty := self.present) is not None:
            weights = [*self.weights.values()]
            penalty.add_gradient(weights, weights, self.scales, -self.lr)


def blocks(network: nn.Module, names: Mapping[str, Tensor]) -> dict[str, str]:
    """Of each parameter the module that it belongs to: a weight and its bias are one block."""
    return {name: name.rpartition(".")[0] for name in names}


def stages(network: nn.Module, names: Mapping[str, Tensor]) -> dict[str, str]:
    """Of each parameter the stage that it belongs to: convolutions between two poolings, or a layer by itself."""
    stage, of_module = 0, {}
    for name, module in network.named_modules():
        if next(module.children(), None) is not None:
            continue
        alone = isinstance(module, nn.Linear)
        stage += alone or "Pool" in type(module).__name__
        of_module[name] = str(stage)
        stage += alone
    modules = {name: name.rpartition(".")[0] for name in names}
    return {name: of_module.get(module, module) for name, module in modules.items()}


NORMS = {"block": blocks, "stage": stages}


def normed(network: nn.Module, weights: Mapping[str, Tensor], norm: str) -> list[float]:
    """Factors by which all blocks, or all stages, weigh alike; in the order of the weights."""
    factors = norm_factors({name: weight.numel() for name, weight in weights.items()}, NORMS[norm](network, weights))
    return [factors[name] for name in weights]

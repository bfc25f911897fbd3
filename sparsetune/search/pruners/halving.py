"""Successive halving: at a few epochs, each a multiple of the one before, only the best of all trials go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from sparsetune.base.errors import BadInput
from sparsetune.config.base import param
from sparsetune.config.study.problem import Problem
from sparsetune.search.pruners.gated import GatedFront, OptunaPruner

if TYPE_CHECKING:
    from optuna.pruners import BasePruner


class _Halving(GatedFront):
    min_epochs: int = param(1, "epochs of the first comparison", unit="epochs", ge=1)
    bootstrap_count: int = param(0, "trials that a comparison stops before any passes it", ge=0)


class Asha(OptunaPruner):
    """Asynchronous successive halving: a trial passes if it is among the best of those that came that far before it."""

    class Config(_Halving):
        name: Literal["asha"] = "asha"
        reduction_factor: int = param(4, "one trial in how many passes; also from epochs to epochs", ge=2)
        min_early_stopping_rate: int = param(0, "comparisons that are left out at the beginning", ge=0)

    @classmethod
    def make(cls, config: Config, problem: Problem) -> BasePruner:
        from optuna.pruners import SuccessiveHalvingPruner

        return SuccessiveHalvingPruner(
            min_resource=config.min_epochs,
            reduction_factor=config.reduction_factor,
            min_early_stopping_rate=config.min_early_stopping_rate,
            bootstrap_count=config.bootstrap_count,
        )


class Hyperband(OptunaPruner):
    """Several asha side by side, which begin to compare sooner and later; a trial belongs to one by its number."""

    class Config(_Halving):
        name: Literal["hyperband"] = "hyperband"
        reduction_factor: int = param(3, "one trial in how many passes; also from epochs to epochs", ge=2)

    @classmethod
    def refuse(cls, config: Any, problem: Problem) -> None:
        super().refuse(config, problem)
        if config.min_epochs > problem.epochs:
            allowed = f"up to the {problem.epochs} epochs of the longest trial"
            raise BadInput(found=str(config.min_epochs), allowed=allowed, key="pruner.min_epochs")

    @classmethod
    def make(cls, config: Config, problem: Problem) -> BasePruner:
        from sparsetune.search.optuna_private import hyperband

        return hyperband(
            min_resource=config.min_epochs,
            max_resource=problem.epochs,
            reduction_factor=config.reduction_factor,
            bootstrap_count=config.bootstrap_count,
        )

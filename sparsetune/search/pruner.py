"""Pruners by name: which running trials are not worth going on with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from sparsetune.config.base import Part, param
from sparsetune.config.registry import Registry

if TYPE_CHECKING:
    from optuna.pruners import BasePruner


class Nothing:
    """Every trial runs to its end."""

    class Config(Part):
        name: Literal["none"] = "none"

    @staticmethod
    def make(config: Config) -> BasePruner:
        from optuna.pruners import NopPruner

        return NopPruner()


class Median:
    """Stops a trial whose best value so far is worse than the median of the others at the same epoch."""

    class Config(Part):
        name: Literal["median"] = "median"
        n_startup_trials: int = param(5, "trials that finish before any is pruned", ge=0)
        n_warmup_epochs: int = param(0, "epochs of a trial in which it is not pruned", unit="epochs", ge=0)

    @staticmethod
    def make(config: Config) -> BasePruner:
        from optuna.pruners import MedianPruner

        # a report comes after an epoch and steps count from 1: with n warm-up epochs the first to count is n + 1
        return MedianPruner(n_startup_trials=config.n_startup_trials, n_warmup_steps=config.n_warmup_epochs + 1)


PRUNERS = Registry(
    "pruner",
    {"none": "sparsetune.search.pruner:Nothing", "median": "sparsetune.search.pruner:Median"},
)

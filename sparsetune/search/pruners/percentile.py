"""Comparison with what finished trials had at the same epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from sparsetune.config.base import param
from sparsetune.config.study.problem import Problem
from sparsetune.search.pruners.contract import GatedFront, OptunaPruner

if TYPE_CHECKING:
    from optuna.pruners import BasePruner


class _Compared(GatedFront):
    n_startup_trials: int = param(5, "trials that complete before any is pruned", ge=0)
    n_warmup_epochs: int = param(0, "epochs of a trial in which it is not pruned", unit="epochs", ge=0)
    interval_epochs: int = param(1, "epochs from one look at a trial to the next", unit="epochs", ge=1)
    n_min_trials: int = param(1, "completed trials that must have reported the epoch", ge=1)


class Median(OptunaPruner):
    """Stops a trial whose best value so far is worse than the median of the others at the same epoch."""

    class Config(_Compared):
        name: Literal["median"] = "median"

    @classmethod
    def make(cls, config: Config, problem: Problem) -> BasePruner:
        from optuna.pruners import MedianPruner

        return MedianPruner(
            n_startup_trials=config.n_startup_trials,
            n_warmup_steps=first_judged(config.n_warmup_epochs),
            interval_steps=config.interval_epochs,
            n_min_trials=config.n_min_trials,
        )


class Percentile(OptunaPruner):
    """Stops a trial whose best value so far is not among a percentage of the best at the same epoch."""

    class Config(_Compared):
        name: Literal["percentile"] = "percentile"
        percentile: float = param(25.0, "how many of the trials are good enough", unit="percent", ge=0, le=100)

    @classmethod
    def make(cls, config: Config, problem: Problem) -> BasePruner:
        from optuna.pruners import PercentilePruner

        return PercentilePruner(
            config.percentile,
            n_startup_trials=config.n_startup_trials,
            n_warmup_steps=first_judged(config.n_warmup_epochs),
            interval_steps=config.interval_epochs,
            n_min_trials=config.n_min_trials,
        )


def first_judged(n_warmup_epochs: int) -> int:
    """The first epoch that counts: a row comes after an epoch, and epochs count from 1."""
    return n_warmup_epochs + 1

"""An epoch's value against a bound: what finished trials had at the same epoch, or what the study says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import model_validator

from sparsetune.base.errors import BadInput
from sparsetune.config.base import param
from sparsetune.config.study.problem import Problem
from sparsetune.search.pruners.gated import Gated, GatedFront, OptunaPruner, refuse_rewinding

if TYPE_CHECKING:
    from optuna.pruners import BasePruner


class _Compared(GatedFront):
    n_startup_trials: int = param(5, "trials that complete before any is pruned", ge=0)
    n_warmup_epochs: int = param(0, "epochs of a trial in which it is not pruned", unit="epochs", ge=0)
    interval_epochs: int = param(1, "epochs from one look at a trial to the next", unit="epochs", ge=1)
    n_min_trials: int = param(1, "completed trials that must have reported the epoch", ge=1)

    def options(self) -> dict[str, Any]:
        """Optuna's arguments."""
        return {
            "n_startup_trials": self.n_startup_trials,
            "n_warmup_steps": first_judged(self.n_warmup_epochs),
            "interval_steps": self.interval_epochs,
            "n_min_trials": self.n_min_trials,
        }


class Median(OptunaPruner):
    """Stops a trial whose best value so far is worse than the median of the others at the same epoch."""

    class Config(_Compared):
        name: Literal["median"] = "median"

    @classmethod
    def make(cls, config: Config, problem: Problem) -> BasePruner:
        from optuna.pruners import MedianPruner

        return MedianPruner(**config.options())


class Percentile(OptunaPruner):
    """Stops a trial whose best value so far is not among a percentage of the best at the same epoch."""

    class Config(_Compared):
        name: Literal["percentile"] = "percentile"
        percentile: float = param(25.0, "how many of the trials are good enough", unit="percent", ge=0, le=100)

    @classmethod
    def make(cls, config: Config, problem: Problem) -> BasePruner:
        from optuna.pruners import PercentilePruner

        return PercentilePruner(config.percentile, **config.options())


def first_judged(n_warmup_epochs: int) -> int:
    """The first epoch that counts: a row comes after an epoch, and epochs count from 1."""
    return n_warmup_epochs + 1


class Threshold(OptunaPruner):
    """Stops a trial whose metric leaves its bounds, or is not a number."""

    class Config(Gated):
        name: Literal["threshold"] = "threshold"
        lower: float | None = param(None, "the least that the metric may be", allow_inf_nan=False)
        upper: float | None = param(None, "the most that the metric may be", allow_inf_nan=False)
        n_warmup_epochs: int = param(0, "epochs of a trial in which it is not pruned", unit="epochs", ge=0)
        interval_epochs: int = param(1, "epochs from one look at a trial to the next", unit="epochs", ge=1)

        @model_validator(mode="after")
        def _bounds(self) -> Threshold.Config:
            if self.lower is None and self.upper is None:
                raise BadInput(found="no bound", allowed="lower, upper, or both", code="missing")
            if self.lower is not None and self.upper is not None and self.lower > self.upper:
                raise BadInput(found=f"lower {self.lower:g} above upper {self.upper:g}", code="conflict")
            return self

    @classmethod
    def refuse(cls, config: Config, problem: Problem) -> None:
        super().refuse(config, problem)
        refuse_rewinding(config, problem)

    @classmethod
    def make(cls, config: Config, problem: Problem) -> BasePruner:
        from optuna.pruners import ThresholdPruner

        return ThresholdPruner(
            lower=config.lower,
            upper=config.upper,
            n_warmup_steps=first_judged(config.n_warmup_epochs),
            interval_steps=config.interval_epochs,
        )

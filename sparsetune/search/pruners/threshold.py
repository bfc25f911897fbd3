"""Bounds that a trial must keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import model_validator

from sparsetune.config.base import param
from sparsetune.config.study.problem import Problem
from sparsetune.search.pruners.contract import Gated, OptunaPruner
from sparsetune.search.pruners.percentile import first_judged

if TYPE_CHECKING:
    from optuna.pruners import BasePruner


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
                raise ValueError("found no bound, allowed: lower, upper, or both")
            if self.lower is not None and self.upper is not None and self.lower > self.upper:
                raise ValueError(f"found lower {self.lower:g} above upper {self.upper:g}")
            return self

    @classmethod
    def make(cls, config: Config, problem: Problem) -> BasePruner:
        from optuna.pruners import ThresholdPruner

        return ThresholdPruner(
            lower=config.lower,
            upper=config.upper,
            n_warmup_steps=first_judged(config.n_warmup_epochs),
            interval_steps=config.interval_epochs,
        )

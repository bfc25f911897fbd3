"""What a trial must reach to be allowed to win: ``{metric: val_accuracy, at_least: 0.95}``."""

from __future__ import annotations

import math
from collections.abc import Iterable

from pydantic import Field, model_validator

from sparsetune.base.messages import Metrics
from sparsetune.config.base import Model


class Constraint(Model):
    """A bound, or two, on a metric of a trial."""

    metric: str
    at_least: float | None = Field(None, allow_inf_nan=False)
    at_most: float | None = Field(None, allow_inf_nan=False)

    @model_validator(mode="after")
    def _bounded(self) -> Constraint:
        if self.at_least is None and self.at_most is None:
            raise ValueError(f"{self.metric!r} has no bound, allowed: at_least, at_most, or both")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(f"found at_least {self.at_least:g} above at_most {self.at_most:g}")
        return self

    @property
    def name(self) -> str:
        """Its words: ``val_accuracy at least 0.95``."""
        bounds = {"at least": self.at_least, "at most": self.at_most}
        said = [f"{word} {bound:g}" for word, bound in bounds.items() if bound is not None]
        return f"{self.metric} {' and '.join(said)}"

    def violation(self, metrics: Metrics) -> float:
        """How far the metric is beyond its bound, in its own unit: above 0 where it breaks the constraint.

        NaN breaks every constraint.
        """
        value = metrics[self.metric]
        if math.isnan(value):
            return math.inf
        low = -math.inf if self.at_least is None else self.at_least - value
        high = -math.inf if self.at_most is None else value - self.at_most
        return max(low, high)


def feasible(metrics: Metrics, constraints: Iterable[Constraint]) -> bool:
    """Whether all constraints are met, as far as the metrics are known."""
    return all(each.violation(metrics) <= 0 for each in constraints if each.metric in metrics)

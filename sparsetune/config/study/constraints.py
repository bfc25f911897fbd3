"""What a trial must reach to be allowed to win: ``{metric: val_accuracy, at_least: 0.95}``; which rows break it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from pydantic import Field, model_validator

from sparsetune.base.errors import BadInput
from sparsetune.base.layout.text import either, heading, measured, number
from sparsetune.base.messages import Metrics, Trial
from sparsetune.config.base import Model


class Constraint(Model):
    """A bound, or two, on a metric of a trial."""

    metric: str
    at_least: float | None = Field(None, allow_inf_nan=False)
    at_most: float | None = Field(None, allow_inf_nan=False)

    @model_validator(mode="after")
    def _bounded(self) -> Constraint:
        if self.at_least is None and self.at_most is None:
            raise BadInput(f"{self.metric!r} has no bound", allowed="at_least, at_most, or both")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise BadInput(found=f"at_least {self.at_least:g} above at_most {self.at_most:g}", code="conflict")
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


def held(constraints: Sequence[Constraint], rows: Sequence[Trial]) -> Iterator[str]:
    """A line for each constraint: in what range complete rows keep it, how many break it, or have no number for it.

    If none meets all, the nearest one.
    """
    complete = [row for row in rows if row.state == "COMPLETE"]
    what = "rows" if any(row.branch for row in rows) else "trials"
    for each in constraints:
        having = [row for row in complete if each.metric in row.metrics]
        count = sum(each.violation(row.metrics) > 0 for row in having)
        if count:
            yield f"{count} of {len(having)} complete {what} {'break' if count > 1 else 'breaks'} {bound(each)}"
        elif having:
            numbers = [row.metrics[each.metric] for row in having]
            span = dict.fromkeys(number(end, 4) for end in (min(numbers), max(numbers)))
            yield f"{bound(each)}: kept by every complete {what[:-1]}, {' to '.join(span)}"
        if len(having) < len(complete):
            others = dict.fromkeys(row.config["method"]["name"] for row in complete if each.metric not in row.metrics)
            yield f"{bound(each)} counts as met in {what} of {either(list(others))}, which have no such number"
    if complete and not any(row.feasible for row in complete):
        row = min(complete, key=lambda row: distance(constraints, row))
        broken_by = ", ".join(
            f"{heading(each.metric)} {measured(row.metrics[each.metric], row.errors.get(each.metric), 4)}"
            for each in constraints
            if each.metric in row.metrics and each.violation(row.metrics) > 0
        )
        yield f"None meets all constraints, so there is no best. The nearest is trial {row.label}: {broken_by}"


def bound(constraint: Constraint) -> str:
    """``val accuracy at least 0.95``."""
    low = [] if constraint.at_least is None else [f"at least {number(constraint.at_least, 6)}"]
    high = [] if constraint.at_most is None else [f"at most {number(constraint.at_most, 6)}"]
    return f"{heading(constraint.metric)} {' and '.join(low + high)}"


def distance(constraints: Sequence[Constraint], row: Trial) -> float:
    """How far a row is from meeting all of them: each violation as a share of its bound, added up."""
    total = 0.0
    for each in constraints:
        violation = each.violation(row.metrics) if each.metric in row.metrics else 0.0
        bounds = [abs(value) for value in (each.at_least, each.at_most) if value]
        total += max(0.0, violation) / min(bounds, default=1.0)
    return total

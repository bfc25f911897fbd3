"""Bounds that a trial has to keep to win."""

from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from sparsetune.config.study.constraints import Constraint, feasible


@pytest.mark.parametrize(
    ("bounds", "value", "violation"),
    [
        ({"at_least": 0.95}, 0.90, 0.05),
        ({"at_least": 0.95}, 0.95, 0.0),
        ({"at_least": 0.95}, 0.96, -0.01),
        ({"at_most": 10.0}, 12.5, 2.5),
        ({"at_least": 1.0, "at_most": 2.0}, 0.5, 0.5),
        ({"at_least": 1.0, "at_most": 2.0}, 2.5, 0.5),
        ({"at_least": 1.0, "at_most": 2.0}, 1.5, -0.5),
        ({"at_most": 2.0}, math.nan, math.inf),
        ({"at_most": 2.0}, -math.inf, -math.inf),
    ],
)
def test_how_far_a_number_is_beyond_its_bound(bounds: dict[str, float], value: float, violation: float) -> None:
    constraint = Constraint(metric="m", **bounds)
    assert constraint.violation({"m": value}) == pytest.approx(violation)
    assert feasible({"m": value}, [constraint]) == (violation <= 0)


def test_what_is_not_known_breaks_nothing_yet() -> None:
    both = [Constraint(metric="a", at_least=1), Constraint(metric="b", at_most=1)]
    assert feasible({}, both)
    assert feasible({"a": 1.0}, both)
    assert not feasible({"a": 1.0, "b": 2.0}, both)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"metric": "m"}, "'m' has no bound; allowed: at_least, at_most, or both"),
        ({"metric": "m", "at_least": 2, "at_most": 1}, "found at_least 2 above at_most 1"),
        ({"metric": "m", "at_least": math.nan}, "at_least"),
        ({"metric": "m", "above": 1}, "above"),
    ],
)
def test_a_bound_that_means_nothing_is_refused(written: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Constraint.model_validate(written)

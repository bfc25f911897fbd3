"""Methods beside one another: means and intervals by hand and by scipy, pairs by seed, and who leads where."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest
from helpers.compared import PAIR, ROWS, A, B, C, row
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sparsetune.report.by_method import by_method, own_front, standings, who_leads
from sparsetune.report.looks import half_width, look
from sparsetune.report.paired import Interval, measured_at, paired

T2 = 4.302652729911275  # the 97.5 % point of Student's t with two degrees of freedom


def test_an_interval_by_hand() -> None:
    """0.96, 0.98, 1.0: s is 0.02, the standard error 0.02 / sqrt 3."""
    said = measured_at(A, "accuracy")
    assert (said.mean, said.half) == pytest.approx((0.98, T2 * 0.02 / math.sqrt(3)))
    assert measured_at(row(0, "drr", (0.9,), 1.0), "accuracy") == Interval(0.9)
    assert measured_at(A, "bits") == Interval(300.0, 0.0)


def test_pairs_by_hand() -> None:
    """-0.03, -0.02 and -0.04: the mean -0.03, s 0.01; that seed 2 is a good one for both is no part of it."""
    apart = paired(B, A, "accuracy")
    assert (apart.mean, apart.half) == pytest.approx((-0.03, T2 * 0.01 / math.sqrt(3)))
    assert not apart.noise
    assert apart.half is not None
    assert abs(apart.mean) < (measured_at(A, "accuracy").half or 0), "without pairs it would be"
    fewer = row(5, "drr", (0.96,), 1.0)
    assert paired(fewer, A, "accuracy") == Interval(pytest.approx(0.96 - 0.98))
    alike = row(6, "drr", (0.95, 0.97, 0.99), 1.0)
    assert Interval(-0.01, 0.0).noise
    assert paired(alike, A, "accuracy").noise, "three differences that are all the same have no spread to go by"
    rounded = row(7, "drr", (0.41, 0.61, 0.97), 1.0), row(8, "drr", (0.4, 0.6, 0.96), 1.0)
    assert len({one - other for one, other in zip((0.41, 0.61, 0.97), (0.4, 0.6, 0.96), strict=True)}) > 1
    assert paired(*rounded, "accuracy").half == 0, "what rounding makes of equal differences is no spread either"


@given(st.lists(st.tuples(st.floats(-1, 1), st.floats(-1, 1)), min_size=3, max_size=8))
def test_pairs_as_scipy_has_them(pairs: list[tuple[float, float]]) -> None:
    one, other = (row(n, "m", [pair[n] for pair in pairs], 1.0) for n in (0, 1))
    differences = np.array([first - second for first, second in pairs])
    apart = paired(one, other, "accuracy")
    assert apart.mean == pytest.approx(differences.mean(), abs=1e-12)
    if differences.std() > 1e-9:
        low, high = stats.t.interval(0.95, len(pairs) - 1, differences.mean(), stats.sem(differences))
        assert (apart.mean - (apart.half or 0), apart.mean + (apart.half or 0)) == pytest.approx((low, high), abs=1e-12)
        p_value = stats.ttest_rel([p[0] for p in pairs], [p[1] for p in pairs]).pvalue
        if abs(p_value - 0.05) > 1e-6:
            assert apart.noise == (p_value > 0.05)


def test_standings_by_hand() -> None:
    first, second, last = standings(ROWS, PAIR)
    assert [each.method for each in (first, second, last)] == ["drr", "slt", "rl1"]
    assert (first.trials, first.on_front, first.best) == (2, 1, (A, C))
    assert first.apart[0] is None
    assert first.apart[1] == Interval(100.0, 0.0)  # C against B
    assert (second.trials, second.on_front, second.best) == (1, 1, (B, B))
    assert second.apart == (paired(B, A, "accuracy"), None)
    assert (last.trials, last.on_front, last.best) == (0, 0, ())


def test_rows_by_method_and_the_front_of_one() -> None:
    assert {name: [each.number for each in own] for name, own in by_method(ROWS).items()} == {
        "drr": [0, 2],
        "slt": [1],
        "rl1": [],
    }
    assert [each.number for each in own_front([A, C], PAIR)] == [0, 2]
    assert [each.number for each in own_front([A, C], PAIR[:1])] == [0]


def test_who_leads_where() -> None:
    front = [A, row(4, "slt", (0.97,), 250.0), row(5, "slt", (0.95,), 150.0), row(6, "drr", (0.9,), 99.0)]
    assert who_leads(front, PAIR) == "By accuracy, from the best down: drr at 0.98, slt from 0.97 to 0.95, drr at 0.9."


@pytest.mark.parametrize("replicates", [2, 3, 10])
def test_half_widths(replicates: int) -> None:
    assert half_width(0.5, replicates) == pytest.approx(0.5 * stats.t.ppf(0.975, replicates - 1))
    assert half_width(None, replicates) == half_width(0.5, 1) == 0


def test_looks_differ() -> None:
    looks: list[Mapping[str, object]] = [look(number) for number in range(72)]
    assert len({tuple(each.values()) for each in looks}) == 72
    assert len({each["color"] for each in looks[:8]}) == 8

"""Saturation: the check values of the source, and an independent regression."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparsetune.sparsity.saturation import bandwidth, deviation, is_saturated, smooth


@pytest.mark.parametrize(("count", "width"), [(5, 0.612882), (15, 0.4334), (250, 0.1856)])
def test_bandwidths(count: int, width: float) -> None:
    assert bandwidth(count) == pytest.approx(width, abs=5e-5)


def test_smoother_by_its_check_values() -> None:
    values = np.array([1.0, 0.0, 1.0, 0.0, 1.0])
    assert smooth(values) == pytest.approx([0.772429, 0.584421, 0.500249, 0.584421, 0.772429], abs=1e-6)
    assert deviation(values) == pytest.approx(0.506771, abs=1e-6)


@given(st.lists(st.floats(-5, 5), min_size=3, max_size=20))
def test_smooth_is_weighted_least_squares(values: list[float]) -> None:
    """numpy's polyfit, point by point, with the roots of the kernel's weights."""
    n, h = len(values), bandwidth(len(values))
    at = np.arange(1, n + 1)
    smoothed = smooth(np.array(values))
    for centre in at:
        scaled = (at - centre) / (n - 1) / h
        inside = np.abs(scaled) < 1
        if inside.sum() < 2:
            continue
        roots = np.sqrt(0.75 * (1 - scaled[inside] ** 2))
        line = np.polyfit(at[inside] - centre, np.array(values)[inside], 1, w=roots)
        assert smoothed[centre - 1] == pytest.approx(line[1], abs=1e-8)


def test_a_line_is_smooth_already() -> None:
    assert smooth(np.linspace(3, -1, 15)) == pytest.approx(np.linspace(3, -1, 15))


def test_saturated_by_hand() -> None:
    """Of a window of four the two halves have two each; two points are their own line, so deviations are 0."""
    falling = [9.0, 9.0, 4.0, 3.0, 2.0, 1.0]
    assert not is_saturated(falling, 4, 1e-10), "3.5 - 1.5 = 2"
    assert is_saturated(falling, 4, 2.0)
    assert is_saturated([*falling[:2], 1.0, 2.0, 3.0, 4.0], 4, 0.0), "a loss that rises"
    assert not is_saturated(falling[1:], 4, 2.0), "five are not two more than four"
    assert not is_saturated([1.0] * 3 + [4.0, 3.0, 2.0, 1.0, 0.0], 5, 0.0), "of five each half has three"


def test_noise_is_saturated_where_it_falls_less_than_it_jumps() -> None:
    jumping = [1.0, 0.0] * 17
    assert is_saturated(jumping, 30, 1e-10)
    assert not is_saturated([value - 0.1 * step for step, value in enumerate(jumping)], 30, 1e-10)

"""Description length: by hand, and against exact binomials and scipy's normal distribution."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from sparsetune.measures.size import (
    cross_entropy_bits,
    description_length,
    entropy_bits,
    gauss_bits,
    log2_choose,
)


def test_by_hand() -> None:
    """10 samples at 3 bits, 2 of 4 parameters: C(4, 2) = 6 choices, two numbers of 32 bits."""
    found = description_length(10, cross_entropy_bits(3 * math.log(2)), 4, 2)
    assert found.data == pytest.approx(30)
    assert found.positions == pytest.approx(math.log2(6))
    assert found.values == 64
    assert found.model == found.positions + 64
    assert found.total == found.data + found.model


@settings(max_examples=60, deadline=None)
@given(total=st.integers(0, 3000), share=st.floats(0, 1))
def test_choices_are_the_binomials(total: int, share: float) -> None:
    chosen = round(total * share)
    found = log2_choose(total, chosen)
    assert found == pytest.approx(math.log2(math.comb(total, chosen)), abs=1e-9)
    assert found <= entropy_bits(total, chosen) + 1e-9


def test_choices_of_many() -> None:
    """Stirling: a quarter of 10^8 is n H2(1/4) - log2(2 pi n / 4 x 3 / 4) / 2 but for 1e-7 bits."""
    expected = entropy_bits(10**8, 25 * 10**6) - 0.5 * math.log2(2 * math.pi * 10**8 * 3 / 16)
    assert log2_choose(10**8, 25 * 10**6) == pytest.approx(expected, abs=1e-5)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**31), variance=st.floats(1e-3, 1e3))
def test_gauss_is_the_density(seed: int, variance: float) -> None:
    errors = np.random.default_rng(seed).standard_normal(50)
    expected = -norm.logpdf(errors, scale=math.sqrt(variance)).mean() / math.log(2)
    assert gauss_bits(float(np.mean(errors**2)), variance) == pytest.approx(expected, rel=1e-9)


def test_gauss_by_hand() -> None:
    """mse = variance = 1: 1 / (2 ln 2) + log2(2 pi) / 2 = log2(2 pi e) / 2 = 2.0471; wider or narrower costs more."""
    assert gauss_bits(1, 1) == pytest.approx(0.5 * math.log2(2 * math.pi * math.e)) == pytest.approx(2.0471, abs=1e-4)
    assert gauss_bits(1, 1) < min(gauss_bits(1, 0.9), gauss_bits(1, 1.1))

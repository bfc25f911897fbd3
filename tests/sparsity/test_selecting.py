"""Significance and the choice by threshold: worked by hand, and against independent code."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import Categorical
from torch.nn.functional import cross_entropy

from sparsetune.sparsity.selecting import at_least, significance


@pytest.mark.parametrize(
    ("target", "weight", "expected"),
    [
        (1, 0.0, 0.28768207),  # ln(4/3)
        (0, 0.0, 1.38629436),  # ln 4
        (1, 1.0, 0.85001722),  # + H = ln(4)/4 + 3 ln(4/3)/4 = 0.56233514
        (0, 2.0, 2.51096465),
    ],
)
def test_significance_of_a_quarter_against_three(target: int, weight: float, expected: float) -> None:
    logits = torch.tensor([[0.0, math.log(3)]], dtype=torch.float64)
    assert significance(logits, torch.tensor([target]), weight).item() == pytest.approx(expected, abs=1e-8)


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(2, 12), st.floats(0, 5), st.floats(0.01, 50))
def test_significance_against_torch(seed: int, batch: int, classes: int, weight: float, spread: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = spread * torch.randn(batch, classes, generator=generator, dtype=torch.float64)
    targets = torch.randint(classes, (batch,), generator=generator)
    entropy = Categorical(logits=logits).entropy()
    expected = cross_entropy(logits, targets, reduction="none") + weight * entropy
    torch.testing.assert_close(significance(logits, targets, weight), expected, rtol=1e-12, atol=1e-12)


def test_significance_of_certain_predictions_is_finite() -> None:
    logits = torch.tensor([[1e4, -1e4], [1e4, -1e4]])
    assert significance(logits, torch.tensor([0, 1]), 1.0).tolist() == [0.0, 2e4]


def test_a_score_at_the_threshold_is_active() -> None:
    scores = torch.tensor([0.5, 2.0, 1.0, 0.999, 3.0])
    assert at_least(scores, 1.0, 1).tolist() == [1, 2, 4]


def test_fallback_takes_the_highest() -> None:
    scores = torch.tensor([0.5, 2.0, 1.0, 3.0])
    assert at_least(scores, 9.0, 1).tolist() == [3]
    assert at_least(scores, 2.5, 2).tolist() == [1, 3]
    assert at_least(scores, 9.0, 4).tolist() == [0, 1, 2, 3]


def test_fallback_takes_exactly_so_many_of_equal_scores() -> None:
    chosen = at_least(torch.tensor([1.0, 5.0, 1.0, 1.0]), 9.0, 2).tolist()
    assert len(chosen) == 2
    assert 1 in chosen


# few distinct values, so that ties are common
@settings(deadline=None)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=30), st.integers(-1, 8), st.data())
def test_at_least_against_brute_force(values: list[int], threshold: int, data: st.DataObject) -> None:
    minimum = data.draw(st.integers(1, len(values)))
    chosen = at_least(torch.tensor(values, dtype=torch.float32), float(threshold), minimum).tolist()
    above = [index for index, value in enumerate(values) if value >= threshold]
    assert chosen == sorted(set(chosen))
    assert len(chosen) == max(len(above), minimum)
    if len(above) >= minimum:
        assert chosen == above
    else:
        assert sorted(values[index] for index in chosen) == sorted(values)[-minimum:]


def test_at_least_of_scores_that_are_not_numbers_is_not_empty() -> None:
    assert at_least(torch.full((4,), math.nan), 1.0, 1).numel() == 1
    assert at_least(torch.ones(4), math.nan, 2).numel() == 2

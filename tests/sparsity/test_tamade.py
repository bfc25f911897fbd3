"""TAMADE against brute force over all thresholds, on losses that rise and on losses that do not."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sparsetune.sparsity.tamade import MOST_PASSES, Search, threshold

magnitudes = st.lists(st.sampled_from([round(0.05 * k, 2) for k in range(1, 60)]), min_size=1, max_size=40)


def largest_feasible(distinct: torch.Tensor, feasible: Callable[[float], bool]) -> float:
    """The threshold that a search ends with."""
    search = Search(0, len(distinct) + 1)
    while not search.ended:
        search = search.told(feasible=feasible(threshold(distinct, search.middle)))
    return threshold(distinct, search.low)


def candidates(distinct: torch.Tensor) -> list[float]:
    """All that a threshold can be: what is below it goes."""
    return [*map(float, distinct), math.inf]


@settings(max_examples=300, derandomize=True)
@given(magnitudes, st.sampled_from([0.0, 0.01, 0.1, 0.5, 1e9]), st.floats(0, 3))
def test_it_equals_brute_force_where_the_loss_rises(values: list[float], delta: float, rise: float) -> None:
    """Ties go together; with delta 0 and a loss that rises at once nothing goes, with a large one everything."""
    weights = torch.tensor(values)
    distinct = weights.unique()

    def loss(limit: float) -> float:
        return 1 + rise * float(weights[weights < limit].square().sum())

    allowed = (1 + delta) * loss(0.0)
    wanted = max(limit for limit in candidates(distinct) if loss(limit) <= allowed)
    assert largest_feasible(distinct, lambda limit: loss(limit) <= allowed) == wanted


@settings(max_examples=300, derandomize=True)
@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_where_it_does_not_rise_the_result_is_feasible_and_the_next_is_not(feasible: list[bool]) -> None:
    """``feasible`` of the candidates after the first, which removes nothing."""
    distinct = torch.arange(1, len(feasible) + 1, dtype=torch.float64)
    table = dict(zip(candidates(distinct), [True, *feasible], strict=True))
    chosen = largest_feasible(distinct, table.__getitem__)
    assert table[chosen]
    following = [limit for limit in table if limit > chosen]
    assert not following or not table[min(following)]


@pytest.mark.parametrize("count", [0, 1, 2, 1000, 33_000_000])
def test_it_takes_at_most_25_passes(count: int) -> None:
    for answer in (True, False):
        search = Search(0, count + 1)
        while not search.ended:
            search = search.told(feasible=answer)
        assert search.passes <= MOST_PASSES
        if count < 2**24:
            assert search.low == (count if answer else 0)


def test_thresholds() -> None:
    distinct = torch.tensor([0.5, 1.0, 2.0])
    assert [threshold(distinct, count) for count in range(4)] == [0.5, 1.0, 2.0, math.inf]

"""Which weights a sparsity removes: counts by hand, thresholds against sorting."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sparsetune.sparsity.masks import keep_largest_, kth_smallest, removed_count


@pytest.mark.parametrize(
    ("sparsity", "size", "removed"),
    [
        (0.0, 10, 0),
        (0.5, 10, 5),
        (0.5, 11, 6),  # ceil(5.5)
        (0.07, 100, 7),  # 0.07 * 100 is 7.000000000000001 in floats
        (0.29, 100, 29),  # 28.999999999999996
        (0.99, 61_470, 60_856),  # ceil(60855.3)
        (1e-9, 5, 1),
    ],
)
def test_how_many_are_removed(sparsity: float, size: int, removed: int) -> None:
    assert removed_count(sparsity, size) == removed


FLOATS = st.floats(0, 8, width=32)


@given(st.lists(FLOATS, min_size=1, max_size=60), st.data())
def test_the_kth_smallest_is_that_of_sorting(values: list[float], data: st.DataObject) -> None:
    k = data.draw(st.integers(1, len(values)))
    given_values = torch.tensor(values)
    assert kth_smallest(given_values, k).item() == sorted(given_values.tolist())[k - 1]
    assert given_values.tolist() == torch.tensor(values).tolist(), "left as they were"


@given(st.lists(FLOATS, min_size=1, max_size=60), st.data())
def test_kept_is_what_lies_above_the_threshold(values: list[float], data: st.DataObject) -> None:
    removed = data.draw(st.integers(0, len(values)))
    before = torch.tensor(values)
    mask = keep_largest_(before.clone(), removed)
    threshold = sorted(before.tolist())[removed - 1] if removed else -1.0
    assert mask.tolist() == [float(value > threshold) for value in before.tolist()]
    if len(set(before.tolist())) == len(values):
        assert mask.sum() == len(values) - removed


def test_all_that_equals_the_threshold_is_removed() -> None:
    assert keep_largest_(torch.tensor([1.0, 2.0, 2.0, 2.0, 3.0]), 2).tolist() == [0, 0, 0, 0, 1]

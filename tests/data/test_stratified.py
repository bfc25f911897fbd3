"""The split equals scikit-learn's, index for index."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from sparsetune.data.splits import stratified_split


@settings(deadline=None)
@given(st.data())
def test_it_is_scikit_learns(data: st.DataObject) -> None:
    counts = data.draw(st.lists(st.integers(2, 30), min_size=2, max_size=10))
    labels = np.repeat(np.arange(len(counts)), counts)
    np.random.RandomState(data.draw(st.integers(0, 2**32 - 1))).shuffle(labels)
    held_out = data.draw(st.integers(len(counts), len(labels) - len(counts)))
    seed = data.draw(st.integers(0, 2**32 - 1))
    positions = np.arange(len(labels))
    expected = train_test_split(positions, test_size=held_out, stratify=labels, random_state=seed)
    for found, wanted in zip(stratified_split(labels, held_out, seed), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize(("held_out", "shares"), [(10, [5, 3, 2]), (20, [10, 6, 4])])
def test_shares_by_hand(held_out: int, shares: list[int]) -> None:
    """Of 50, 30 and 20 samples."""
    labels = np.repeat(["a", "b", "c"], [50, 30, 20])
    stay, leave = stratified_split(labels, held_out, seed=1)
    assert sorted([*stay, *leave]) == list(range(100))
    assert [int((labels[leave] == label).sum()) for label in "abc"] == shares

"""Splits: counted by hand, and properties of all of them."""

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparsetune.base.errors import BadInput
from sparsetune.data.contract import DataConfig, OnePoolConfig
from sparsetune.data.pools import Array, Pools, Samples
from sparsetune.data.splits import Counts, Division, counts, divide, noisy


def pools(labels: Array, outputs: int, names: tuple[str, ...] = ()) -> Pools:
    return Pools(Samples(np.arange(len(labels), dtype=np.float32)[:, None], labels), outputs, classes=names)


def config(**settings: Any) -> OnePoolConfig:
    return OnePoolConfig(name="any", **settings)


def labels_of(sizes: list[int], seed: int = 0) -> Array:
    return np.random.RandomState(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))


def parts(division: Division) -> Iterator[Array]:
    yield division.train
    for rows in (division.val, division.test):
        assert rows is not None
        yield rows


@st.composite
def cases(draw: st.DrawFn) -> tuple[Pools, OnePoolConfig]:
    """Classes of 12 samples or more, of which each split has some; at least half are left for training."""
    sizes = draw(st.lists(st.integers(12, 40), min_size=2, max_size=6))
    total = sum(sizes)
    enough = 2 / min(sizes)
    held = st.integers(math.ceil(enough * total), total // 4) | st.floats(enough, 0.25)
    val, test = draw(held), draw(held)
    left = counts(total, val, test, None).train
    fewer = draw(st.none() | st.integers(left // 2, left))
    seed = draw(st.integers(0, 2**32 - 1))
    drawn = config(val_size=val, test_size=test, num_train=fewer, seed=seed, stratified=draw(st.booleans()))
    return pools(labels_of(sizes, draw(st.integers(0, 99))), len(sizes)), drawn


def divided(drawn: tuple[Pools, OnePoolConfig]) -> Division:
    """Drawn alike from all, a class may be lost, which is refused: then with shares."""
    try:
        return divide(*drawn, "classification")
    except BadInput:
        if drawn[1].stratified:
            raise
        return divide(drawn[0], drawn[1].model_copy(update={"stratified": True}), "classification")


@settings(deadline=None)
@given(cases())
def test_splits_are_disjoint_and_as_large_as_counted(drawn: tuple[Pools, OnePoolConfig]) -> None:
    (samples, wanted), division = drawn, divided(drawn)
    counted = counts(len(samples.train), wanted.val_size, wanted.test_size, wanted.num_train)
    found = [set(rows.tolist()) for rows in parts(division)]
    assert [len(rows) for rows in parts(division)] == [counted.train, counted.val, counted.test]
    assert [len(rows) for rows in found] == [counted.train, counted.val, counted.test]
    assert not any(one & other for one, other in combinations(found, 2))
    together = set().union(*found)
    assert together <= set(range(len(samples.train)))
    assert wanted.num_train is not None or len(together) == len(samples.train)
    np.testing.assert_array_equal(division.targets, samples.train.targets[division.train])


@settings(deadline=None)
@given(cases())
def test_stratified_splits_are_within_one_sample_of_the_ideal(drawn: tuple[Pools, OnePoolConfig]) -> None:
    samples, wanted = drawn
    division = divide(samples, wanted.model_copy(update={"stratified": True}), "classification")
    left = np.bincount(samples.train.targets, minlength=samples.outputs)
    for rows in (division.test, division.val, division.train):  # in the order in which they are drawn
        found = np.bincount(samples.train.targets[rows], minlength=samples.outputs)
        assert (np.abs(found - len(rows) * left / left.sum()) < 1).all()
        left = left - found


@settings(deadline=None)
@given(cases())
def test_the_same_config_gives_the_same_split_and_no_other(drawn: tuple[Pools, OnePoolConfig]) -> None:
    samples, wanted = drawn
    first, again = divided(drawn), divided(drawn)
    for one, other in zip(parts(first), parts(again), strict=True):
        np.testing.assert_array_equal(one, other)
    assert first.digest("x") == again.digest("x") != first.digest("y")
    other = divided((samples, wanted.model_copy(update={"seed": (wanted.seed + 1) % 2**32})))
    assert first.digest("x") != other.digest("x")


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=300),
    st.floats(0, 1, exclude_max=True),
    st.integers(0, 2**32 - 1),
)
def test_noise_is_of_the_exact_count_and_never_the_same_label(values: list[int], fraction: float, seed: int) -> None:
    targets = np.array(values)
    changed = noisy(targets, fraction, 5, seed)
    assert (changed != targets).sum() == round(fraction * len(targets))
    assert set(changed.tolist()) <= set(range(5))
    assert targets.tolist() == values, "the pool's own labels were changed"
    np.testing.assert_array_equal(noisy(targets, fraction, 5, seed), changed)


def test_each_other_class_is_as_likely() -> None:
    changed = noisy(np.full(40_000, 2), 0.5, 5, seed=3)
    found = np.bincount(changed, minlength=5)
    assert found[2] == 20_000
    expected, deviation = 5_000, (20_000 * 0.25 * 0.75) ** 0.5
    assert (np.abs(found[[0, 1, 3, 4]] - expected) < 5 * deviation).all()


def test_noise_leaves_the_split_as_it_is() -> None:
    samples = pools(labels_of([40, 60]), 2)
    clean, loud = (divide(samples, config(label_noise=noise), "classification") for noise in (0.0, 0.3))
    for one, other in zip(parts(clean), parts(loud), strict=True):
        np.testing.assert_array_equal(one, other)
    assert (clean.targets != loud.targets).sum() == round(0.3 * len(clean.train))
    assert clean.digest("") != loud.digest("")


def test_by_hand() -> None:
    """60 and 40 samples: 20 % for the test are 12 and 8, 10 % of all for validation 6 and 4, 42 and 28 are left."""
    samples = pools(labels_of([60, 40]), 2)
    found = [samples.train.targets[rows] for rows in parts(divide(samples, config(), "classification"))]
    assert [np.bincount(each).tolist() for each in found] == [[42, 28], [6, 4], [12, 8]]


@pytest.mark.parametrize("stratified", [False, True])
@pytest.mark.parametrize("num_train", [50, 69, 70])
def test_any_number_of_training_samples(num_train: int, stratified: bool) -> None:
    """Also all but one: the sample that is left over need not have a share of each class."""
    drawn = config(num_train=num_train, stratified=stratified)
    assert len(divide(pools(labels_of([60, 40]), 2), drawn, "classification").train) == num_train


def test_fewer_samples_are_drawn_from_all_also_where_nothing_is_held_out() -> None:
    """Files are often sorted by class: the first half of them would have one class."""
    samples = pools(np.repeat([0, 1], 50), 2)
    own = replace(samples, val=samples.train, test=samples.train)
    division = divide(own, DataConfig(name="any", num_train=50, stratified=False), "classification")
    assert division.val is division.test is None
    assert 15 < division.targets.sum() < 35


def test_regression_is_not_stratified() -> None:
    values = np.linspace(0, 1, 100, dtype=np.float32)[:, None]
    division = divide(pools(values, 1), config(), "regression")
    assert [len(rows) for rows in parts(division)] == [70, 10, 20]
    assert division.targets.shape == (70, 1)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ((100, 0.1, 0.2, None), Counts(70, 10, 20)),
        ((100, 10, 20, 5), Counts(5, 10, 20)),
        ((100, None, None, None), Counts(100, 0, 0)),
        ((10, 0.001, 1, None), Counts(8, 1, 1)),
        ((3, 1, 1, None), Counts(1, 1, 1)),
    ],
)
def test_counts(sizes: Any, expected: Counts) -> None:
    assert counts(*sizes) == expected


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        (
            (100, 10, 20, 71),
            "data.num_train: found 71, allowed: at most 70, what validation and test leave of 100 samples",
        ),
        (
            (1_000, 900, 100, None),
            "data.val_size: 900 for validation + 100 for test leave nothing of 1,000 samples to train on",
        ),
        ((5, 5, None, None), "data.val_size: 5 for validation leave nothing of 5 samples to train on"),
    ],
)
def test_sizes_that_do_not_fit(sizes: Any, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        counts(*sizes)
    assert str(caught.value) == message


REFUSED: dict[str, tuple[list[int], dict[str, Any], str]] = {
    "one sample of a class": (
        [30, 1, 30],
        {},
        "data.stratified: too few samples of class 'b' to be in every split; leave them out, or set data.stratified to "
        "false",
    ),
    "fewer places than classes": (
        [30, 30, 30],
        {"test_size": 2},
        "data.test_size: 2 of 90 samples cannot hold a share of each of 3 classes; change the sizes of the splits, or "
        "set data.stratified to false",
    ),
    "a share of less than one sample": (
        [4, 1000, 4],
        {"test_size": 200, "val_size": 20},
        "data.val_size: 20 of 808 samples have none of classes 'a', 'c'; change the sizes of the splits, leave them "
        "out, or set data.stratified to false",
    ),
    "few training samples": (
        [30, 30, 30],
        {"num_train": 2},
        "data.num_train: no training sample is left of class",
    ),
    "an empty class": (
        [30, 30, 0],
        {},
        "data.num_train: no training sample is left of class 'c'; raise data.num_train, lower data.val_size, or set "
        "data.stratified to true",
    ),
    "many empty classes": (
        [30, 0, 0, 0, 0],
        {"stratified": False},
        "data.num_train: no training sample is left of classes 'b', 'c', 'd' and 1 more; raise",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_splits_that_cannot_be(what: str) -> None:
    sizes, wanted, message = REFUSED[what]
    names = tuple("abcde"[: len(sizes)])
    with pytest.raises(BadInput) as caught:
        divide(pools(labels_of(sizes), len(sizes), names), config(**wanted), "classification")
    assert str(caught.value).startswith(message)

"""The arithmetic of data sets, worked by hand."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from sparsetune.data import scaling as module
from sparsetune.data.contract import OnePoolConfig
from sparsetune.data.dataset import Dataset, assemble
from sparsetune.data.pools import Array, Pools, Samples
from sparsetune.data.scaling import moments
from sparsetune.data.splits import Division


def test_moments_of_four_numbers() -> None:
    # mean 4, squares of the deviations 9 + 1 + 1 + 9 = 20, divided by 4
    assert moments(np.array([1, 3, 5, 7], np.uint8).reshape(2, 1, 1, 2)) == (4.0, math.sqrt(5))
    assert moments(np.array([[1.0], [3.0], [5.0], [7.0]], np.float32)) == (4.0, math.sqrt(5))


def test_moments_of_bytes_do_not_overflow() -> None:
    mean, std = moments(np.repeat(np.array([0, 255], np.uint8), 1_000_000).reshape(-1, 1, 1, 100))
    assert (mean, std) == (127.5, 127.5)


@pytest.mark.parametrize(("kind", "shape"), [(np.uint8, (50, 3, 4, 5)), (np.float32, (50, 7))])
def test_moments_by_channel_are_numpys_whatever_is_taken_together(
    kind: Any, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(0)
    values = random.integers(0, 256, shape).astype(kind)
    rows = random.permutation(50)[:33]
    axes = (0, 2, 3) if len(shape) == 4 else (0,)
    for together in (1, 200, 1 << 24):
        monkeypatch.setattr(module, "_AT_ONCE", together)
        mean, std = moments(values, rows)
        np.testing.assert_allclose(mean, values[rows].mean(axes, dtype=np.float64), rtol=1e-12)
        np.testing.assert_allclose(std, values[rows].std(axes, dtype=np.float64), rtol=1e-12)


def test_moments_of_large_numbers_that_are_alike_and_of_constants() -> None:
    large = (1e9 + 64 * np.arange(10_000)).astype(np.float32)  # float32 has steps of 64 there
    values = np.stack([large, np.full(10_000, 0.1, np.float32)], axis=1)
    mean, std = moments(values)
    np.testing.assert_allclose(mean, values.mean(0, dtype=np.float64), rtol=1e-15)
    np.testing.assert_allclose(std, [np.float64(large).std(), 0], rtol=1e-9)
    assert std[1] == 0


def assembled(inputs: Array, settings: dict[str, Any], **others: Any) -> Dataset:
    """Five samples: two for training (the last ones), one for validation, two for the test."""
    targets = others.pop("targets", np.arange(5))
    division = Division(np.array([4, 3]), np.array([1]), np.array([0, 2]), targets[[4, 3]])
    config = OnePoolConfig(name="any", **settings)
    return assemble(Pools(Samples(inputs, targets), outputs=5, white=10), division, config, **others)


GREY = np.array([5, 1, 9, 0, 2], np.uint8).reshape(5, 1, 1, 1)


@pytest.mark.parametrize(
    ("normalize", "expected"),
    [
        ("standard", [[1, -1], [0], [4, 8]]),  # of the training samples 2 and 0: mean 1, deviation 1
        ("unit", [[0.2, 0], [0.1], [0.5, 0.9]]),
        ("none", [[2, 0], [1], [5, 9]]),
    ],
)
def test_all_splits_take_the_train_splits_numbers(normalize: str, expected: list[list[float]]) -> None:
    found = assembled(GREY, {"normalize": normalize}, task="classification")
    assert [split.inputs.flatten().tolist() for split in found.splits] == [pytest.approx(each) for each in expected]
    assert [split.targets.tolist() for split in found.splits] == [[4, 3], [1], [0, 2]]
    assert found.train.inputs.shape == (2, 1, 1, 1)
    assert found.input_shape == (1, 1, 1)


def test_each_channel_has_its_own_numbers_and_a_constant_one_becomes_0() -> None:
    colour = np.concatenate([GREY, 3 * GREY, np.full_like(GREY, 7)], axis=1)
    found = assembled(colour, {}, task="classification")
    assert found.train.inputs.flatten(1).tolist() == [[1, 1, 0], [-1, -1, 0]]
    assert found.test.inputs.flatten(1).tolist() == [[4, 4, 0], [8, 8, 0]]


def test_targets_of_regression_are_kept_and_their_scaling_with_them() -> None:
    targets = np.array([[0, 1], [1, 1], [2, 1], [10, 1], [30, 1]], np.float32)
    found = assembled(GREY, {}, task="regression", targets=targets, standardize_targets=True)
    assert found.train.targets.tolist() == [[30, 1], [10, 1]]
    assert found.target_scaling is not None
    assert found.target_scaling(found.train.targets).tolist() == [[1, 0], [-1, 0]]  # mean 20, deviation 10


def test_splits_of_one_pool_share_its_memory() -> None:
    found = assembled(GREY, {}, task="classification")
    assert found.nbytes == GREY.nbytes
    assert len({split.store.data_ptr() for split in found.splits}) == 1
    moved = found.to(torch.device("cpu"), torch.float64)
    assert moved.nbytes == GREY.nbytes
    assert moved.train.inputs.dtype == torch.float64
    assert moved.train.targets.dtype == torch.int64
    assert moved.train.store.dtype == torch.uint8


def test_pools_of_their_own_are_taken_whole() -> None:
    own = Samples(np.array([4], np.uint8).reshape(1, 1, 1, 1), np.array([1]))
    pools = Pools(Samples(GREY, np.arange(5)), outputs=5, val=own, test=own)
    division = Division(np.array([4, 3]), None, None, np.array([4, 3]))
    found = assemble(pools, division, OnePoolConfig(name="any", normalize="none"), "classification")
    assert found.val.inputs.tolist() == found.test.inputs.tolist() == [[[[4]]]]
    assert found.val.targets.tolist() == [1]

"""The fast pooling gives torch's values, with and without gradient."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import max_pool2d

from sparsetune.models.layers import MaxPool2

sizes = st.integers(2, 9)


@given(height=sizes, width=sizes, seed=st.integers(0, 2**16))
def test_values_are_torchs(height: int, width: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(3, 2, height, width, generator=generator)
    with torch.no_grad():
        assert torch.equal(MaxPool2()(inputs), max_pool2d(inputs, 2))


def test_gradient_is_torchs() -> None:
    inputs = torch.randn(2, 3, 6, 6, generator=torch.Generator().manual_seed(0)).requires_grad_()
    (gradient,) = torch.autograd.grad(MaxPool2()(inputs).square().sum(), inputs)
    (expected,) = torch.autograd.grad(max_pool2d(inputs, 2).square().sum(), inputs)
    assert torch.equal(gradient, expected)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_not_finite_stay_visible(value: float) -> None:
    inputs = torch.zeros(1, 1, 2, 2)
    inputs[0, 0, 1, 0] = value
    assert torch.equal(MaxPool2()(inputs).isnan(), max_pool2d(inputs, 2).isnan())

"""The expected error of a map with random masks, against numbers by hand, all masks, drawn masks, and autograd."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from sparsetune.sparsity.bernoulli import Moments, expected_error, slopes

shapes = st.tuples(st.integers(1, 2), st.integers(1, 3), st.integers(1, 4), st.integers(1, 5))


def drawn(seed: int, groups: int, outputs: int, numbers: int, places: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Weights, keep probabilities, target and inputs."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    keep = torch.rand((groups, outputs, numbers), generator=generator, dtype=torch.float64)
    return normal(groups, outputs, numbers), keep, normal(groups, outputs, numbers), normal(groups, places, numbers)


def error(weights: Tensor, target: Tensor, inputs: Tensor) -> Tensor:
    """Of weights as they are, summed over inputs and outputs."""
    return (inputs @ (target - weights).mT).square().sum()


def test_by_hand() -> None:
    """One weight: (2 - 1.5 x 0.4)^2 + 1.5^2 x 0.4 x 0.6 = 1.96 + 0.54, for squares of inputs that sum to 3."""
    weights, keep, target = (torch.tensor([[[each]]]) for each in (1.5, 0.4, 2.0))
    assert float(expected_error(weights, keep, target, Moments(torch.tensor([[[3.0]]])))) == pytest.approx(7.5)


@settings(max_examples=60, derandomize=True)
@given(st.integers(0, 10**6), shapes)
def test_it_is_the_mean_over_all_masks(seed: int, shape: tuple[int, int, int, int]) -> None:
    """Row by row, for rows have masks of their own: 2^n of each."""
    weights, keep, target, inputs = drawn(seed, *shape)
    mean = 0.0
    for group, row in itertools.product(range(shape[0]), range(shape[1])):
        for mask in itertools.product((0.0, 1.0), repeat=shape[2]):
            z, p = torch.tensor(mask, dtype=torch.float64), keep[group, row]
            chance = torch.where(z == 1, p, 1 - p).prod()
            missed = inputs[group] @ (target[group, row] - z * weights[group, row])
            mean += float(chance * missed.square().sum())
    for moments in (Moments(inputs.mT @ inputs), Moments(inputs, summed=False)):
        assert float(expected_error(weights, keep, target, moments)) == pytest.approx(mean, rel=1e-9)


def test_it_is_the_mean_over_drawn_masks() -> None:
    """20,000 of them, within four standard errors."""
    weights, keep, target, inputs = drawn(3, 2, 3, 6, 10)
    generator = torch.Generator().manual_seed(4)
    uniform = torch.rand((20_000, *keep.shape), generator=generator, dtype=torch.float64)
    missed = torch.einsum("gpn,sgmn->sgpm", inputs, target - (uniform < keep) * weights)
    errors = missed.square().sum((1, 2, 3))
    standard_error = float(errors.std() / len(errors) ** 0.5)
    expected = float(expected_error(weights, keep, target, Moments(inputs.mT @ inputs)))
    assert abs(float(errors.mean()) - expected) < 4 * standard_error
    assert standard_error < 0.01 * expected


@settings(max_examples=60, derandomize=True)
@given(st.integers(0, 10**6), shapes, st.booleans())
def test_slopes_are_autograd_s(seed: int, shape: tuple[int, int, int, int], summed: bool) -> None:
    weights, keep, target, inputs = drawn(seed, *shape)
    moments = Moments(inputs.mT @ inputs if summed else inputs, summed)
    values = torch.stack([weights, keep]).requires_grad_()
    wanted = expected_error(values[0], values[1], target, moments)
    wanted.backward()
    into = torch.full_like(values, torch.nan)
    with torch.no_grad():
        measured = slopes(values, target, moments, moments.squares, into)
    assert values.grad is not None
    assert torch.allclose(into, values.grad, rtol=1e-9, atol=1e-9)
    assert float(measured) == pytest.approx(wanted.item(), rel=1e-9)


@settings(max_examples=60, derandomize=True)
@given(st.integers(0, 10**6), shapes)
def test_decided_masks_are_no_chance(seed: int, shape: tuple[int, int, int, int]) -> None:
    """With probabilities of 0 and 1 it is the error of the weights that are kept."""
    weights, keep, target, inputs = drawn(seed, *shape)
    decided = keep.round()
    expected = expected_error(weights, decided, target, Moments(inputs.mT @ inputs))
    assert float(expected) == pytest.approx(float(error(weights * decided, target, inputs)), rel=1e-9)

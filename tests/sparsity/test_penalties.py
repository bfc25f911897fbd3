"""Penalties: check values, and gradients as autograd has them of the stated objectives."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sparsetune.sparsity.penalties import Drr, Penalty, RelaxedL1, norm_factors

numbers = st.floats(0, 20, width=32)


def gradient_of(penalty: Penalty, weights: torch.Tensor, factor: float = 1.0) -> torch.Tensor:
    """Added to nothing, half and half."""
    nothing = torch.zeros_like(weights)
    for _ in range(2):
        penalty.add_gradient([nothing], [weights], [factor], 0.5)
    return nothing


def test_drr_by_hand() -> None:
    """alpha beta exp(-beta |w|) = 5 exp(-0.5) = 3.03265; of the other sign, and nothing at 0."""
    weights = torch.tensor([0.1, -0.1, 0.0], dtype=torch.float64)
    gradient = gradient_of(Drr(alpha=1, beta=5), weights)
    assert gradient.tolist() == pytest.approx([3.0326533, -3.0326533, 0.0])
    twice = gradient_of(Drr(alpha=1, beta=5, rho=2), weights, 2.0)
    assert twice.tolist() == pytest.approx([2 * 3.0326533 + 0.4, -2 * 3.0326533 - 0.4, 0.0]), "rho is not scaled"


def test_relaxed_l1_by_hand() -> None:
    gradient = gradient_of(RelaxedL1(alpha=0.3, rho=0.5), torch.tensor([2.0, -1.0, 0.0]))
    assert gradient.tolist() == pytest.approx([0.3 + 2.0, -0.3 - 1.0, 0.0])


@given(st.lists(st.floats(-3, 3, width=32).filter(lambda x: x != 0), min_size=1, max_size=9), numbers, numbers, numbers)
def test_gradients_equal_autograd_s(values: list[float], alpha: float, beta: float, rho: float) -> None:
    penalties: list[Penalty] = [Drr(alpha, beta, rho), RelaxedL1(alpha, rho)]
    for penalty in penalties:
        weights = torch.tensor(values, dtype=torch.float64, requires_grad=True)
        (wanted,) = torch.autograd.grad(penalty.objective(weights), weights)
        gradient = gradient_of(penalty, weights.detach())
        assert torch.allclose(gradient, wanted, rtol=1e-12, atol=1e-300)


@given(st.floats(-3, 3), st.floats(0, 2), st.floats(0, 2), st.floats(0.01, 1))
def test_the_proximal_step_is_the_least_of_its_objective(weight: float, alpha: float, rho: float, step: float) -> None:
    """No other value of a fine grid is better."""
    penalty = RelaxedL1(alpha, rho)
    best = penalty.proximal(torch.tensor([weight], dtype=torch.float64), step)
    grid = torch.linspace(-4, 4, 8001, dtype=torch.float64)

    def value(v: torch.Tensor) -> torch.Tensor:
        return (v - weight) ** 2 / 2 + step * (alpha * v.abs() + rho * v**2)

    assert float(value(best)) <= float(value(grid).min()) + 1e-12
    if abs(weight) <= step * alpha:
        assert float(best) == 0


def test_blocks_weigh_alike_by_hand() -> None:
    """100 weights in two blocks of 80 and 20: 100 / (80 x 2) and 100 / (20 x 2)."""
    sizes = {"a.weight": 76, "a.bias": 4, "b.weight": 20}
    factors = norm_factors(sizes, {"a.weight": "a", "a.bias": "a", "b.weight": "b"})
    assert factors == {"a.weight": 0.625, "a.bias": 0.625, "b.weight": 2.5}
    assert math.isclose(sum(sizes[name] * factor for name, factor in factors.items()), 100)

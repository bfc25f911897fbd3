"""Quality of predicted numbers: by hand, and against scikit-learn."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

from sparsetune.measures.regression import regression_quality


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    samples=st.integers(2, 60),
    outputs=st.integers(1, 4),
    scale=st.floats(0.01, 1e3),
    shift=st.floats(-1e3, 1e3),
)
def test_against_scikit_learn(seed: int, samples: int, outputs: int, scale: float, shift: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    targets = shift + scale * torch.randn(samples, outputs, generator=generator, dtype=torch.float64)
    predicted = targets + torch.randn(samples, outputs, generator=generator, dtype=torch.float64)
    found = regression_quality(predicted, targets)
    assert found.keys() == {"loss", "mse", "mae", "r2"}
    assert found["loss"] == found["mse"] == pytest.approx(mean_squared_error(targets, predicted), rel=1e-9)
    assert found["mae"] == pytest.approx(mean_absolute_error(targets, predicted), rel=1e-9)
    assert found["r2"] == pytest.approx(r2_score(targets, predicted), rel=1e-6, abs=1e-9)


def test_by_hand() -> None:
    """Errors 1, 0, 0, -3 of targets 0, 1, 2, 3: mse 10/4, mae 4/4, r2 1 - 10/5."""
    targets = torch.tensor([[0.0], [1.0], [2.0], [3.0]])
    found = regression_quality(targets + torch.tensor([[1.0], [0.0], [0.0], [-3.0]]), targets)
    assert found == {"loss": 2.5, "mse": 2.5, "mae": 1.0, "r2": -1.0}


def test_constant_targets() -> None:
    """Exact: 1. Else 0; also where rounding makes their mean another number, which scikit-learn takes for spread."""
    constant = torch.full((7, 1), 0.1, dtype=torch.float64)
    assert regression_quality(constant, constant)["r2"] == 1
    assert regression_quality(constant + 1, constant)["r2"] == 0
    both = torch.cat((constant, torch.arange(7.0, dtype=torch.float64).unsqueeze(1)), 1)
    shifted = both + torch.tensor([1.0, 0.0], dtype=torch.float64)
    assert regression_quality(shifted, both)["r2"] == 0.5
    assert r2_score(both[:4] * 5, shifted[:4] * 5) == 0.5  # of .5, whose mean is .5


def test_the_device_is_waited_for_once(waits: Callable[[Callable[[], object]], int]) -> None:
    values = torch.randn(9, 2)
    assert waits(lambda: regression_quality(values, values + 1)) == 1

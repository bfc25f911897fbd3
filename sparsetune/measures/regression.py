"""How good predicted numbers are. ``outputs`` and ``targets`` are (N, K)."""

from __future__ import annotations

import torch
from torch import Tensor


def regression_quality(outputs: Tensor, targets: Tensor) -> dict[str, float]:
    """Every measure of predicted numbers; the device is waited for once.

    Args:
        outputs: (N, K), N at least 1.
        targets: (N, K).

    Returns:
        ``loss`` and ``mse`` (both the mean squared error), ``mae``, ``r2``.
    """
    predicted, wanted = outputs.double(), targets.double()
    squared = mean_squared_error(predicted, wanted)
    values = torch.stack(
        (squared, squared, mean_absolute_error(predicted, wanted), coefficient_of_determination(predicted, wanted))
    )
    return dict(zip(("loss", "mse", "mae", "r2"), values.tolist(), strict=True))


def mean_squared_error(outputs: Tensor, targets: Tensor) -> Tensor:
    """Mean over samples and outputs of (output - target)^2, in the target's unit squared, at least 0."""
    return (outputs - targets).square_().mean()


def mean_absolute_error(outputs: Tensor, targets: Tensor) -> Tensor:
    """Mean over samples and outputs of |output - target|, in the target's unit, at least 0."""
    return (outputs - targets).abs_().mean()


def coefficient_of_determination(outputs: Tensor, targets: Tensor) -> Tensor:
    """R2: the mean over outputs of 1 - sum (output - target)^2 / sum (target - their mean)^2, at most 1.

    Of an output whose targets are all equal, which leaves nothing to explain: 1 where every prediction is exact, else 0
    (scikit-learn's rule).
    """
    unexplained = (outputs - targets).square_().sum(0)
    deviations = (targets - targets.mean(0)).square_().sum(0)
    constant = (targets == targets[0]).all(0)  # their deviations may be rounding
    ordinary = 1 - unexplained / deviations
    return torch.where(constant, (unexplained == 0).to(ordinary.dtype), ordinary).mean()

"""Whether predictions are as often right as they claim: expected calibration error.

Source: C. Guo et al., On Calibration of Modern Neural Networks (2017). Bins have equal width and hold their upper edge:
with M bins the m-th is ((m - 1) / M, m / M].
"""

from __future__ import annotations

import torch
from torch import Tensor


def odds_confidences(p: Tensor) -> Tensor:
    """(N,) largest values of softmax(ln(p / (1 - p + 1e-15))), which is odds / sum of odds.

    sbcube hands these to its calibration error as if they were logits; they are sharper than p.

    Args:
        p: (N, C) float64 probabilities.
    """
    odds = p / (1 - p + 1e-15)
    return odds.amax(1) / odds.sum(1)


def reliability(confidences: Tensor, hits: Tensor, bins: int) -> Tensor:
    """(bins, 3) float64: samples, share of them that is right, mean confidence; zeros where a bin is empty.

    Args:
        confidences: (N,) from 0 to 1, of the predicted class.
        hits: (N,) 1 where that class is right, else 0.
    """
    numbers = torch.arange(bins, device=confidences.device)
    of_sample = torch.bucketize(confidences.double(), numbers[1:].double() / bins)
    columns = torch.stack((torch.ones_like(confidences), hits, confidences), dim=1).double()
    sums = (of_sample == numbers.unsqueeze(1)).double() @ columns  # a product, for it adds in one order on every run
    count = sums[:, :1]
    return torch.cat((count, sums[:, 1:] / count.clamp(min=1)), dim=1)


def calibration_error(table: Tensor) -> Tensor:
    """Scalar, a fraction from 0 to 1: sum over bins of (samples / N) |share right - mean confidence|.

    Args:
        table: (M, 3) of :func:`reliability`.
    """
    count, right, confidence = table.unbind(1)
    return (count * (right - confidence).abs()).sum() / count.sum()

"""How unsure a network is of what it cannot know: entropy on noise.

The probabilities that Monte Carlo dropout averages are in :func:`sparsetune.sparsity.dropout.log_mean_probability`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

_BLOCK = 1 << 20  # numbers drawn together


def average_predictive_entropy(outputs: Tensor) -> float:
    """aPE: mean over inputs of -sum over classes of p ln(p + 1e-8), nats, 0 to ln C within 1e-8.

    On noise, higher is better. The device is waited for. Source: custom-computing-ic/sbcube.

    Args:
        outputs: (N, C) logits or log-probabilities; of a Monte Carlo prediction those of the mean probabilities.
    """
    p = torch.softmax(outputs.double(), dim=1)
    return float(-(p * (p + 1e-8).log()).sum(1).mean())


def noise(count: int, shape: tuple[int, ...], seed: int) -> Iterator[Tensor]:
    """``count`` samples of N(0, 1) noise as a network sees them, after normalisation, in blocks.

    The numbers are a function of the arguments alone: drawn on the CPU, in blocks whose size is one of the shape.

    Yields:
        (n, *shape) float32, n at least 1.
    """
    block = max(1, _BLOCK // math.prod(shape))
    generator = torch.Generator().manual_seed(seed)
    for start in range(0, count, block):
        yield torch.randn((min(block, count - start), *shape), generator=generator)

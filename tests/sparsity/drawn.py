"""Which values Monte Carlo dropout keeps, drawn by a generator of one network, number by number."""

import torch
from torch import Tensor


def kept(shape: torch.Size, p: float, generator: torch.Generator) -> Tensor:
    """Of numbers with 32 bits those in the upper share 1 - p; two are drawn at once, the low one first."""
    pairs = torch.empty((shape.numel() + 1) // 2, dtype=torch.int64)
    pairs.random_(-(2**63), None, generator=generator)
    unsigned = [
        half + (2**31 if half < 2**31 else -(2**31))
        for pair in pairs.tolist()
        for half in (pair % 2**32, pair % 2**64 >> 32)
    ]
    return torch.tensor([number >= p * 2**32 for number in unsigned[: shape.numel()]]).reshape(shape)

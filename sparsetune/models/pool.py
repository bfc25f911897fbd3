"""Pooling that is fast where no gradient is needed."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d


class MaxPool2(nn.Module):
    """2x2 max pooling with stride 2: (..., H, W) to (..., H // 2, W // 2), the values of ``nn.MaxPool2d(2)``.

    torch's CPU kernel also notes where each maximum was and is not vectorised over pixels; two maxima of slices take
    a tenth of its time, but their gradient is slow, so they serve evaluation and selection only.
    """

    def forward(self, inputs: Tensor) -> Tensor:
        if inputs.is_cuda or (torch.is_grad_enabled() and inputs.requires_grad):
            return max_pool2d(inputs, 2)
        height, width = (length // 2 * 2 for length in inputs.shape[-2:])
        rows = torch.maximum(inputs[..., 0:height:2, :width], inputs[..., 1:height:2, :width])
        return torch.maximum(rows[..., 0::2], rows[..., 1::2])

"""Images of another size."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.functional import interpolate

from sparsetune.training.data.pools import Array

_AT_ONCE = 1 << 24  # values that are floats at the same time


def resized(images: Array, side: int, out: Array | None = None) -> Array:
    """Bytes (N, C, H, W) as (N, C, side, side): bilinear, smoothed where they shrink, rounded.

    Args:
        out: where the result goes, such as a mapped file; else a new array.
    """
    count, channels, height, width = images.shape
    result = np.empty((count, channels, side, side), np.uint8) if out is None else out
    chunk = max(1, _AT_ONCE // (channels * max(height * width, side * side)))
    for start in range(0, count, chunk):
        wanted = torch.from_numpy(np.array(images[start : start + chunk], np.float32))
        changed = interpolate(wanted, (side, side), mode="bilinear", align_corners=False, antialias=True)
        result[start : start + chunk] = changed.round_().clamp_(0, 255).to(torch.uint8).numpy()
    return result

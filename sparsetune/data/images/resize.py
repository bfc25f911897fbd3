"""Images of another size."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.functional import interpolate

from sparsetune.data.depth import BYTES, in_type
from sparsetune.data.pools import Array

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


def square(pixels: Array, side: int) -> Array:
    """One image (C, H, W) as torchvision's Resize(side) and CenterCrop(side) make it, antialiased.

    Bytes stay bytes throughout; other types go through float64, and come out as they were.
    """
    height, width = pixels.shape[1:]
    short = min(height, width)
    if short != side:
        size = [int(side * length / short) for length in (height, width)]
        wanted = torch.from_numpy(pixels if pixels.dtype == BYTES else pixels.astype(np.float64))
        changed = interpolate(wanted[None], size, mode="bilinear", align_corners=False, antialias=True)[0].numpy()
        pixels = changed if pixels.dtype == BYTES else in_type(changed, pixels.dtype)
    top, left = (round((length - side) / 2.0) for length in pixels.shape[1:])
    return pixels[:, top : top + side, left : left + side]

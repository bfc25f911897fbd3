"""What is done to stored values before a network gets them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Scaling:
    """(values - shift) / scale, as ``dtype``; numbers for all values, or tensors that fit a batch of samples.

    Tensors of float64 make the arithmetic float64: what is left after the mean is taken off becomes ``dtype``.
    """

    shift: float | Tensor
    scale: float | Tensor
    dtype: torch.dtype = torch.float32

    def __call__(self, values: Tensor) -> Tensor:
        if self._changes_nothing(values):
            return values
        scaled = torch.sub(values, self.shift).div_(self.scale)  # bytes minus floats are float32
        return scaled if scaled.dtype == self.dtype else scaled.to(self.dtype)

    def _changes_nothing(self, values: Tensor) -> bool:
        plain = isinstance(self.shift, float) and isinstance(self.scale, float)
        return plain and (self.shift, self.scale) == (0.0, 1.0) and values.dtype == self.dtype

    def undone(self, scaled: Tensor) -> Tensor:
        """Scaled values in their own unit; float64 where float32 would not hold them."""
        return scaled * self.scale + self.shift

    def to(self, device: torch.device, dtype: torch.dtype) -> Scaling:
        shift, scale = (part.to(device) if isinstance(part, Tensor) else part for part in (self.shift, self.scale))
        return Scaling(shift, scale, dtype)


@dataclass(frozen=True)
class Brightness:
    """Pixels that are no bytes as float32: black becomes 0, white 1. In float64 between, for 32 bits have more digits
    than a float32."""

    black: float
    white: float

    def __call__(self, values: Tensor) -> Tensor:
        return values.double().sub_(self.black).div_(self.white - self.black).float()

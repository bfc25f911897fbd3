"""Regression with a trained deviation: the bits of a normal density around each prediction.

Source: L0-and-behold/efficient-compression.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from sparsetune.base.messages import Metrics
from sparsetune.data.scaling import Scaling
from sparsetune.measures.size import GAUSS_CONSTANT, gauss_error, gauss_loss
from sparsetune.training.task import Regression


class Gauss(Regression):
    """Bits a number of a normal density around it, without those of its constant: see :func:`gauss_loss`.

    Its deviation sigma is trained with the network; with variance sigma^2 = mean squared error the loss is least.
    """

    def __init__(
        self,
        scaling: Scaling | None = None,
        outputs: int = 1,
        sigma: float = 0.1,
        device: torch.device | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """
        Args:
            sigma: to begin with, 1e-15 to 1e15: its square is to be a number.
            device: of the outputs, and
            dtype.
        """
        super().__init__(scaling, outputs)
        self._initial = sigma
        self.sigma = nn.Parameter(torch.tensor(sigma, dtype=dtype, device=device))

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        variance = self.sigma.square()
        return (self.error(outputs, targets) / variance + variance.log()) * (0.5 / math.log(2))

    def error(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return super().loss(outputs, targets)

    def means(self, measured: tuple[float, ...]) -> tuple[float, ...]:
        (error,) = measured
        return (gauss_loss(error, self._variance),)

    def error_of(self, loss: float) -> float:
        return gauss_error(loss, self._variance)

    def quality(self, outputs: Tensor, targets: Tensor) -> Metrics:
        numbers = super().quality(outputs, targets)
        return {**numbers, "loss": gauss_loss(numbers["loss"], self._variance)}

    def bits(self, validation: Metrics) -> float:
        scale = 1.0 if self._scaling is None else self._scaling.scale
        wider = torch.as_tensor(scale, dtype=torch.float64).log2().mean().item()  # the unit of targets has other bits
        return self._outputs * (validation["val_loss"] + GAUSS_CONSTANT + wider)

    def numbers(self) -> Metrics:
        return {"sigma": abs(self.sigma.item())}

    def parameters(self) -> tuple[nn.Parameter, ...]:
        return (self.sigma,)

    def state_dict(self) -> dict[str, Tensor]:
        return {"sigma": self.sigma.detach()}

    @torch.no_grad()
    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        self.sigma.copy_(state["sigma"])

    @torch.no_grad()
    def redraw(self) -> None:
        self.sigma.fill_(self._initial)

    @property
    def _variance(self) -> float:
        """As training has it: its sign means nothing."""
        sigma: float = self.sigma.item()
        return sigma * sigma  # where sigma**2 would be an OverflowError, that is infinite

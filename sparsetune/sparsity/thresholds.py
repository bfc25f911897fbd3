"""On which scale a significance threshold is controlled.

A threshold moved by sums has the scale of the loss, which falls by orders of magnitude during training: a gain that
suits the start is far too large at the end. Each scale here turns a controlled level into a threshold and back.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from torch import Tensor


class ThresholdScale:
    """The level is the threshold itself (``none``, as in the originals)."""

    low = 0.0
    high = math.inf

    def __init__(self, ema_alpha: float) -> None:
        self.ema_alpha = ema_alpha

    def normalise(self, scores: Tensor) -> Tensor:
        """(B,) scores as they are compared with the threshold."""
        return scores

    def threshold(self, level: float) -> float:
        return level

    def level(self, threshold: float) -> float:
        return threshold

    def state_dict(self) -> dict[str, float]:
        return {}

    def load_state_dict(self, state: Mapping[str, float]) -> None: ...


class RunningMeanScale(ThresholdScale):
    """Scores are divided by an exponential running mean of their batch means (``ema``)."""

    mean: float | None = None

    def normalise(self, scores: Tensor) -> Tensor:
        batch = scores.mean().item()
        self.mean = batch if self.mean is None else self.mean + self.ema_alpha * (batch - self.mean)
        return scores / max(self.mean, 1e-30)

    def state_dict(self) -> dict[str, float]:
        return {} if self.mean is None else {"mean": self.mean}

    def load_state_dict(self, state: Mapping[str, float]) -> None:
        self.mean = state.get("mean")


class LogScale(ThresholdScale):
    """The level is the logarithm of the threshold (``log``): a gain is a relative change, the same early and late."""

    low = math.log(1e-30)
    high = math.log(1e30)

    def threshold(self, level: float) -> float:
        return math.exp(level)

    def level(self, threshold: float) -> float:
        return math.log(threshold) if threshold > 0 else self.low


SCALES: dict[str, type[ThresholdScale]] = {"none": ThresholdScale, "ema": RunningMeanScale, "log": LogScale}

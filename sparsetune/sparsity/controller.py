"""A PI controller in incremental form, with limits on its output and on its memory, and the scales that it works on.

A threshold moved by sums has the scale of the loss, which falls by orders of magnitude during training: a gain that
suits the start is far too large at the end. Each scale here turns a controlled level into a threshold and back.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from torch import Tensor


@dataclass
class PIController:
    """Moves ``level`` so that an error goes to zero: level += kp e + ki I, with I the sum of errors.

    The level is moved, not set, so kp already removes a constant error and ki follows a level that has to keep moving
    (AST's threshold falls with the loss). A positive error raises the level.

    Attributes:
        level: the output, within [low, high].
        integral_limit: |I| stays within it.
        integral: the sum of errors. It stands still while the level is at a limit and the error pushes further
            (anti-windup).
    """

    level: float
    low: float
    high: float
    integral_limit: float
    integral: float = 0.0

    def update(self, error: float, kp: float, ki: float) -> bool:
        """Move the level by one step; True if the level or the integral stands at a limit afterwards."""
        pushed_out = (self.level >= self.high and error > 0) or (self.level <= self.low and error < 0)
        if not pushed_out:
            self.integral = _clip(self.integral + error, -self.integral_limit, self.integral_limit)
        self.level = _clip(self.level + kp * error + ki * self.integral, self.low, self.high)
        return not self.low < self.level < self.high or abs(self.integral) >= self.integral_limit

    def state_dict(self) -> dict[str, float]:
        return asdict(self)


def _clip(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


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


def ramp(epoch: int, over: int) -> float:
    """A linear rise to 1: ``(epoch + 1) / over`` in epoch 0, 1, ..., then 1; always 1 if ``over`` is 0."""
    return 1.0 if over == 0 else min(1.0, (epoch + 1) / over)

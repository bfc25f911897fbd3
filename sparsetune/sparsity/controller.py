"""A PI controller in incremental form, with limits on its output and on its memory."""

from __future__ import annotations

from dataclasses import asdict, dataclass


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

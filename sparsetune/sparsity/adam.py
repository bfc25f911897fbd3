"""Adam on one tensor, for what is fitted beside a training; torch's own imports its compiler at the first step.

Source: D. P. Kingma, J. Ba, Adam: A Method for Stochastic Optimization (2015).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

_BETA1, _BETA2, _EPS = 0.9, 0.999, 1e-8


class Adam:
    """Moves (...) values, in place, against gradients; as torch.optim.Adam does with its defaults."""

    def __init__(self, values: Tensor, lr: float) -> None:
        """
        Args:
            lr: above 0.
        """
        self._values, self._lr, self._steps = values, lr, 0
        self._first, self._second, self._room = (torch.zeros_like(values) for _ in range(3))

    @torch.no_grad()
    def step(self, gradient: Tensor) -> None:
        """One step with the gradient at the present values."""
        self._steps += 1
        self._first.lerp_(gradient, 1 - _BETA1)
        self._second.mul_(_BETA2).addcmul_(gradient, gradient, value=1 - _BETA2)
        corrected = (1 - _BETA2**self._steps) ** -0.5
        torch.sqrt(self._second, out=self._room).mul_(corrected).add_(_EPS)
        self._values.addcdiv_(self._first, self._room, value=-self._lr / (1 - _BETA1**self._steps))

    def state_dict(self) -> dict[str, Any]:
        """The moments themselves, which the next step changes, and the number of steps."""
        return {"first": self._first, "second": self._second, "steps": self._steps}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a state from :meth:`state_dict`."""
        self._first.copy_(state["first"])
        self._second.copy_(state["second"])
        self._steps = state["steps"]

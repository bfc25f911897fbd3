"""Weights of a linear map, few of them kept, that give nearly its outputs: a fit of weights and keep probabilities.

It goes on until its objective no longer falls, or every mask is decided.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from sparsetune.sparsity.adam import Adam
from sparsetune.sparsity.bernoulli import Moments, slopes
from sparsetune.sparsity.saturation import is_saturated

LOOK_EVERY, MARGIN = 100, 1e-10  # steps between two looks at the end; what the objective may still fall by
_WORK = 1e10  # multiplications of a piece: a stop is heard within a second, or after the step that takes longer


class MaskFit:
    """Adam on the expected error + alpha x the sum of keep probabilities, which are clipped to [0, 1] after a step.

    Attributes:
        values: (2, groups, m, n): weights, which begin as those of the map, and keep probabilities.
    """

    def __init__(
        self, target: Tensor, moments: Moments, start: Tensor, alpha: float, lr: float, *, free: int = 0
    ) -> None:
        """
        Args:
            target: (groups, m, n), the map as it is.
            start: keep probabilities before the first step, of that shape.
            alpha: at least 0.
            lr: above 0.
            free: so many of the last of the n inputs have weights whose probability stays and costs nothing.
        """
        self._target, self._moments, self._squares = target, moments, moments.squares
        self._alpha, self._costly = alpha, target.shape[-1] - free
        self.values = torch.stack([target, start])
        self._gradient = torch.empty_like(self.values)
        self._adam = Adam(self.values, lr)

    @torch.no_grad()
    def step(self) -> Tensor:
        """One of Adam's; returns the objective before it, a scalar that nobody waits for."""
        error = slopes(self.values, self._target, self._moments, self._squares, self._gradient)
        self._gradient[1, ..., : self._costly] += self._alpha
        self._gradient[1, ..., self._costly :] = 0
        objective = error + self._alpha * self.values[1, ..., : self._costly].sum()
        self._adam.step(self._gradient)
        self.values[1].clamp_(0, 1)
        return objective

    @property
    def multiplications(self) -> int:
        """Of a step, about."""
        return self._moments.multiplications(self._target)

    @property
    def binary(self) -> bool:
        """Whether every probability is exactly 0 or 1."""
        keep = self.values[1]
        return bool(((keep == 0) | (keep == 1)).all())

    def rounded(self) -> tuple[Tensor, Tensor]:
        """Two of (groups, m, n): weights that are kept with more than 1/2, else 0; and which these are."""
        weights, keep = self.values
        kept = keep > 0.5
        return torch.where(kept, weights, 0), kept

    def state_dict(self) -> dict[str, Any]:
        """The tensors themselves, which the next step changes, and plain values."""
        return {"values": self.values, "adam": self._adam.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a state from :meth:`state_dict`."""
        self.values.copy_(state["values"])
        self._adam.load_state_dict(state["adam"])


class Ending(NamedTuple):
    """At how many of the last looks in a row the objective was saturated, and all probabilities were 0 or 1."""

    saturated: int = 0
    binary: int = 0

    def after(self, *, saturated: bool, binary: bool) -> Ending:
        """One more look."""
        return Ending(self.saturated + 1 if saturated else 0, self.binary + 1 if binary else 0)

    @property
    def over(self) -> bool:
        """Three of a kind in a row, or both at once."""
        return self.saturated >= 3 or self.binary >= 3 or (self.saturated >= 1 and self.binary >= 1)


def fitted(
    fit: MaskFit, steps: int, window: int, state: Mapping[str, Any] | None = None
) -> Iterator[tuple[dict[str, Any], float]]:
    """Step until the end; yields states and the share of the steps that are done.

    Args:
        steps: at most.
        window: how many of the last objectives say whether they are saturated, at least 4.
        state: that this has yielded, to go on from.
    """
    done, ending = 0, Ending()
    objectives: deque[Tensor] = deque(maxlen=window + 2)
    if state is not None:
        fit.load_state_dict(state["fit"])
        objectives.extend(state["objectives"])
        done, ending = state["done"], Ending(*state["ending"])
    piece = max(1, min(LOOK_EVERY, int(_WORK / fit.multiplications)))
    while done < steps and not ending.over:
        count = min(piece, LOOK_EVERY - done % LOOK_EVERY, steps - done)
        objectives.extend(fit.step() for _ in range(count))
        done += count
        recent = torch.stack([*objectives])
        if done % LOOK_EVERY == 0:
            ending = ending.after(saturated=is_saturated(recent.tolist(), window, MARGIN), binary=fit.binary)
        yield {"fit": fit.state_dict(), "done": done, "ending": list(ending), "objectives": recent}, done / steps

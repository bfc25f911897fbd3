"""What is learned: the loss that is trained on and the numbers that are reported."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

_FLUSH_ELEMENTS = 1 << 20  # outputs held back before they are measured


class Classification:
    """Cross entropy in nats and top-1 accuracy."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The mean over a batch: outputs (B, C), targets (B,) int64; a scalar."""
        return cross_entropy(outputs, targets)

    def measure(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Sums over a batch, on its device without synchronising: (loss, correct, count) in float64."""
        loss = cross_entropy(outputs, targets, reduction="sum")
        correct = (outputs.argmax(1) == targets).sum()
        return torch.stack((loss.double(), correct.double(), torch.full_like(loss, len(targets), dtype=torch.float64)))


class Meter:
    """Collects predictions and measures many at once, so that a step pays for keeping them only."""

    def __init__(self, task: Classification) -> None:
        self._task = task
        self._outputs: list[Tensor] = []
        self._targets: list[Tensor] = []
        self._held = 0
        self._sums: Tensor | None = None

    def add(self, outputs: Tensor, targets: Tensor) -> None:
        self._outputs.append(outputs)
        self._targets.append(targets)
        self._held += outputs.numel()
        if self._held >= _FLUSH_ELEMENTS:
            self._flush()

    def result(self) -> tuple[float, float]:
        """Mean loss and accuracy of all that was added; this is where the device is waited for."""
        self._flush()
        if self._sums is None:
            return float("nan"), float("nan")
        loss, correct, count = self._sums.tolist()
        return loss / count, correct / count

    def _flush(self) -> None:
        if not self._outputs:
            return
        sums = self._task.measure(torch.cat(self._outputs), torch.cat(self._targets))
        self._sums = sums if self._sums is None else self._sums + sums
        self._outputs.clear()
        self._targets.clear()
        self._held = 0

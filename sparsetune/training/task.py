"""What is learned: the loss that is trained on and the numbers that are reported."""

from __future__ import annotations

from typing import ClassVar, Protocol

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, mse_loss

from sparsetune.base.messages import Metrics
from sparsetune.data.dataset import Dataset
from sparsetune.data.scaling import Scaling
from sparsetune.measures.quality import classification_quality
from sparsetune.measures.regression import regression_quality

_FLUSH_ELEMENTS = 1 << 20  # outputs held back before they are measured


class Task(Protocol):
    """What the loop needs to know of what is learned."""

    names: ClassVar[tuple[str, ...]]
    """Of the numbers that every epoch has, of training and of validation data; the loss comes first."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """What is trained on: a scalar, the mean over a batch."""
        ...

    def measure(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """(names,) sums over a batch of what ``names`` says; float64, without synchronising."""
        ...

    def quality(self, outputs: Tensor, targets: Tensor) -> Metrics:
        """All that can be said of the predictions for a whole split, by name without ``val_`` or ``test_``."""
        ...


class Classification:
    """Cross entropy in nats and top-1 accuracy: outputs (B, C) logits, targets (B,) int64."""

    names: ClassVar[tuple[str, ...]] = ("loss", "accuracy")

    def __init__(self, label_smoothing: float = 0.0) -> None:
        self._smoothing = label_smoothing

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return cross_entropy(outputs, targets, label_smoothing=self._smoothing)

    def measure(self, outputs: Tensor, targets: Tensor) -> Tensor:
        loss = cross_entropy(outputs, targets, reduction="sum")
        correct = (outputs.argmax(1) == targets).sum()
        return torch.stack((loss.double(), correct.double()))

    def quality(self, outputs: Tensor, targets: Tensor) -> Metrics:
        return classification_quality(outputs, targets)


class Regression:
    """Mean squared error: outputs and targets (B, K). ``scaling`` makes of targets what is learned."""

    names: ClassVar[tuple[str, ...]] = ("loss",)

    def __init__(self, scaling: Scaling | None = None) -> None:
        self._scaling = scaling

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return mse_loss(outputs, self._learned(targets))

    def measure(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs - self._learned(targets)).double().square().mean(1).sum(0, keepdim=True)

    def quality(self, outputs: Tensor, targets: Tensor) -> Metrics:
        learned = regression_quality(outputs, self._learned(targets))
        if self._scaling is None:
            return learned
        return {**regression_quality(self._scaling.undone(outputs), targets), "loss": learned["loss"]}

    def _learned(self, targets: Tensor) -> Tensor:
        return targets if self._scaling is None else self._scaling(targets)


def make_task(data: Dataset, label_smoothing: float) -> Task:
    """What is learned from that data."""
    if data.task == "regression":
        return Regression(data.target_scaling)
    return Classification(label_smoothing)


def _joined(parts: list[Tensor]) -> Tensor:
    return torch.cat(parts) if len(parts) > 1 else parts[0]


class Meter:
    """Collects predictions and measures many at once, so that a step pays for keeping them only."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._outputs: list[Tensor] = []
        self._targets: list[Tensor] = []
        self._held = self._samples = 0
        self._sums: Tensor | None = None

    def add(self, outputs: Tensor, targets: Tensor) -> None:
        self._outputs.append(outputs)
        self._targets.append(targets)
        self._held += outputs.numel()
        self._samples += targets.shape[0]
        if self._held >= _FLUSH_ELEMENTS:
            self._flush()

    def result(self) -> tuple[float, ...]:
        """Means of all that was added, as the task names them; this is where the device is waited for."""
        self._flush()
        if self._sums is None:
            return (float("nan"),) * len(self._task.names)
        return tuple(total / self._samples for total in self._sums.tolist())

    def _flush(self) -> None:
        if not self._outputs:
            return
        sums = self._task.measure(_joined(self._outputs), _joined(self._targets))
        self._sums = sums if self._sums is None else self._sums + sums
        self._outputs.clear()
        self._targets.clear()
        self._held = 0

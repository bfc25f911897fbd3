"""What is learned: the loss that is trained on and the numbers that are reported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss

from sparsetune.base.messages import Metrics
from sparsetune.data.scaling import Scaling
from sparsetune.measures.quality import classification_quality
from sparsetune.measures.regression import regression_quality
from sparsetune.measures.size import cross_entropy_bits, gauss_bits

_EXACT = 1e-12  # a mean squared error that counts as one of a perfect fit
_FLUSH_ELEMENTS = 1 << 20  # outputs held back before they are measured


class Task:
    """What the loop needs to know of what is learned: a loss, and numbers that tell of it; it may own parameters."""

    names: ClassVar[tuple[str, ...]] = ("loss",)
    """Of the numbers that every epoch has, of training and of validation data; the loss comes first."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """What is trained on: a scalar, the mean over a batch."""
        raise NotImplementedError

    def error(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """What of the loss says how wrong predictions are: a scalar, at least 0; all of it, if that cannot be less."""
        return self.loss(outputs, targets)

    def measure(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """(names,) sums over a batch of what ``means`` asks for; float64, without synchronising."""
        raise NotImplementedError

    def means(self, measured: tuple[float, ...]) -> tuple[float, ...]:
        """What ``names`` says of samples over which ``measure`` gives these means."""
        return measured

    def error_of(self, loss: float) -> float:
        """The ``error`` of samples with such a mean loss."""
        return loss

    def quality(self, outputs: Tensor, targets: Tensor) -> Metrics:
        """All that can be said of the predictions for a whole split, by name without ``val_`` or ``test_``."""
        raise NotImplementedError

    def bits(self, validation: Metrics) -> float:
        """Bits that the targets of one sample cost with the network, by its quality on validation data."""
        raise NotImplementedError

    def numbers(self) -> Metrics:
        """Its own parameters, by name in the table of metrics."""
        return {}

    def parameters(self) -> tuple[nn.Parameter, ...]:
        """What is trained with the network, at its learning rate, but neither decays nor is clipped or pruned."""
        return ()

    def state_dict(self) -> dict[str, Tensor]:
        """The parameters, in the memory in which training goes on."""
        return {}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take up a state from :meth:`state_dict`."""

    def redraw(self) -> None:
        """Let its parameters be as they were before training."""


class Classification(Task):
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

    def bits(self, validation: Metrics) -> float:
        return cross_entropy_bits(validation["val_loss"])


class Regression(Task):
    """Mean squared error: outputs and targets (B, K). ``scaling`` makes of targets what is learned."""

    def __init__(self, scaling: Scaling | None = None, outputs: int = 1) -> None:
        """
        Args:
            outputs: K.
        """
        self._scaling, self._outputs = scaling, outputs

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return mse_loss(outputs, self._learned(targets))

    def measure(self, outputs: Tensor, targets: Tensor) -> Tensor:
        squares = (outputs - self._learned(targets)).double().square_()
        return squares.sum().reshape(1) / squares.shape[1]

    def quality(self, outputs: Tensor, targets: Tensor) -> Metrics:
        learned = regression_quality(outputs, self._learned(targets))
        if self._scaling is None:
            return learned
        return {**regression_quality(self._scaling.undone(outputs), targets), "loss": learned["loss"]}

    def bits(self, validation: Metrics) -> float:
        error = max(validation["val_mse"], _EXACT)
        return self._outputs * gauss_bits(error, error)

    def _learned(self, targets: Tensor) -> Tensor:
        return targets if self._scaling is None else self._scaling(targets)


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
        return self._task.means(tuple(total / self._samples for total in self._sums.tolist()))

    def _flush(self) -> None:
        if not self._outputs:
            return
        sums = self._task.measure(_joined(self._outputs), _joined(self._targets))
        self._sums = sums if self._sums is None else self._sums + sums
        self._outputs.clear()
        self._targets.clear()
        self._held = 0

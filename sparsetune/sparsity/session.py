"""What a method sees of a training, and all that it may ask of it. ``training/`` fulfils it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from sparsetune.config.facts import Kind

Split = Literal["train", "val"]
"""Test data are none of a method's business."""


class At(NamedTuple):
    """Where a training stands.

    Attributes:
        iterations: steps of the optimiser done since it began.
        epochs: epochs done since it began.
        phase: the name of the phase that runs; empty before the first.
    """

    iterations: int = 0
    epochs: int = 0
    phase: str = ""


class Session(Protocol):
    """A network that is trained, or about to be.

    Attributes:
        network: in training mode within a step, in evaluation mode where a split is evaluated.
        prunable: the parameters that pruning may remove, as the model says, by name.
        dropout_sites: names of modules whose output can be dropped, in the order in which a sample passes them.
        task: what is learned.
        seed: of the training.
        device: where network and batches are.
    """

    network: nn.Module
    prunable: Mapping[str, nn.Parameter]
    dropout_sites: tuple[str, ...]
    task: Kind
    seed: int
    device: torch.device

    @property
    def at(self) -> At:
        """Where the training stands."""
        ...

    @property
    def optimizer(self) -> Optimizer:
        """What steps, with the learning rate of each group; it is made after the method."""
        ...

    @property
    def train_samples(self) -> int:
        """Samples that are trained on."""
        ...

    def loss(self, split: Split) -> float:
        """The mean loss of a split as the network is now, predicted as validation data are; it counts as cost.

        It draws and changes nothing that training depends on.
        """
        ...

    def objective(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """The task's loss on a batch, with gradient: what is trained on but for penalties."""
        ...

    def batches(self, split: Split, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """A split in its order, so many samples at once, the last maybe fewer, without augmentation."""
        ...

    def generator(self, name: str) -> torch.Generator:
        """Random numbers of one's own, on the CPU: from their start at each call, a function of seed and name alone."""
        ...

"""What a method sees of a training, and all that it may ask of it. ``training/`` fulfils it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from sparsetune.config.metrics import Kind

Split = Literal["train", "val"]
"""Test data are none of a method's business."""


class At(NamedTuple):
    """Where a training stands.

    Attributes:
        iterations: steps of the optimiser done since it began.
        epochs: whole epochs done since it began.
        stage: path of the stage that runs, as in ``train/finetune``; empty before the first.
    """

    iterations: int = 0
    epochs: int = 0
    stage: str = ""


class Session(Protocol):
    """A network that is trained, or about to be.

    Attributes:
        network: in training mode within a step, in evaluation mode where a split is evaluated.
        prunable: the parameters that pruning may remove, as the model says, by name.
        masks: of parameters by name, bool: what is False is 0 from the end of the procedure that set it, and
            after every step; none at the beginning.
        dropout_sites: names of modules whose output can be dropped, in the order in which a sample passes them.
        task: what is learned.
        seed: of the training.
        device: where network and batches are.
        memory: numbers that procedures keep for later ones, by name.
    """

    network: nn.Module
    prunable: Mapping[str, nn.Parameter]
    masks: dict[str, Tensor]
    dropout_sites: tuple[str, ...]
    task: Kind
    seed: int
    device: torch.device
    memory: dict[str, float]

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

    def evaluate(self, split: Split) -> Mapping[str, float]:
        """The means of a split by the task's names, ``loss`` the first; otherwise as :meth:`loss`."""
        ...

    def loss(self, split: Split) -> float:
        """The mean loss of a split as the network is now; it counts as cost, and changes nothing that training draws.

        It is predicted as the stage lets the method see: by one network, if how predictions are averaged matters in
        evaluation only.
        """
        ...

    def error(self, split: Split) -> float:
        """What of that says how wrong predictions are, at least 0: all of it, but of a loss that may be negative.

        That is the loss with trained sigma, of which it is the mean squared error.
        """
        ...

    def objective(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """The same of a batch, with gradient: what is trained on but for penalties and sigma."""
        ...

    def batches(self, split: Split, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """A split in its order, so many samples at once, the last maybe fewer, without augmentation."""
        ...

    def generator(self, name: str) -> torch.Generator:
        """Random numbers of one's own, on the CPU: from their start at each call, a function of seed and name alone."""
        ...

    def spend(self, *, trained: int = 0, scored: int = 0, beside: float = 0.0) -> None:
        """Count what a procedure has cost.

        Args:
            trained: samples that it has passed through the network forward and backward,
            scored: forward only.
            beside: FLOPs of what it has computed without the network.
        """
        ...

    def snapshot(self, name: str) -> None:
        """Keep weights, buffers, what the task trains beside them, and where in schedule and data training stands."""
        ...

    def restore(self, name: str) -> None:
        """Put back what a snapshot keeps, but for the place; masks stay, and so do the optimiser's moments.

        Raises:
            ValueError: there is none of that name, or the network has other shapes by now.
        """
        ...

    def redraw(self) -> None:
        """Let weights, buffers and what the task trains be as before training, drawn anew; masks and moments stay.

        A procedure's piece seeds what is drawn from: a function of the seed and of the stage's path.
        """
        ...

    def register(self, parameter: str, *companions: Tensor) -> None:
        """Tensors shaped like a parameter that are to be cut with it, with whatever an optimiser knows of them."""
        ...

    def companions(self, parameter: str) -> tuple[Tensor, ...]:
        """What is registered with a parameter, in that order."""
        ...

    def cut(self, parameter: str, dim: int, kept: Tensor) -> None:
        """Leave only these slices, (n,) int64, of a parameter or buffer, its mask, moments and companions, along dim.

        Whether the network still fits together is the caller's business.
        """
        ...

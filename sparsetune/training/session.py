"""The session of a training: what its method sees, with what it needs to answer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from sparsetune.config.facts import Kind
from sparsetune.config.seeds import mix
from sparsetune.sparsity.session import At, Split
from sparsetune.training.data import dataset, delivery
from sparsetune.training.metrics.cost import Cost
from sparsetune.training.task import Task

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Going:
    """What a network is trained with.

    Attributes:
        evaluated: the means of a split after so many epochs, by the task's names, as rows have them.
    """

    data: dataset.Dataset
    task: Task
    optimizer: Optimizer
    evaluated: Callable[[dataset.Split, int], Mapping[str, float]]


@dataclass
class TrainingSession:
    """As :class:`~sparsetune.sparsity.session.Session` has it; of a network that is only rebuilt, without ``going``.

    Attributes:
        cost: so far.
        epochs: done since training began.
        phase: that runs.
    """

    network: nn.Module
    prunable: Mapping[str, nn.Parameter]
    dropout_sites: tuple[str, ...]
    task: Kind
    seed: int
    device: torch.device
    cost: Cost = field(default_factory=Cost)
    epochs: int = 0
    phase: str = ""
    going: Going | None = None

    @classmethod
    def of(
        cls,
        network: nn.Module,
        prunable: Sequence[str] = (),
        dropout_sites: tuple[str, ...] = (),
        task: Kind = "classification",
        seed: int = 0,
        device: torch.device = CPU,
    ) -> TrainingSession:
        """Of a network with parameters of these names."""
        parameters = dict(network.named_parameters())
        return cls(network, {name: parameters[name] for name in prunable}, dropout_sites, task, seed, device)

    @property
    def at(self) -> At:
        return At(self.cost.steps, self.epochs, self.phase)

    @property
    def optimizer(self) -> Optimizer:
        return self._training.optimizer

    @property
    def train_samples(self) -> int:
        return len(self._training.data.train)

    def loss(self, split: Split) -> float:
        found = self._split(split)
        with self._undisturbed():
            loss = self._training.evaluated(found, self.epochs)["loss"]
        self.cost.scored += len(found)
        return loss

    def objective(self, inputs: Tensor, targets: Tensor) -> Tensor:
        return self._training.task.loss(self.network(inputs), targets)

    def batches(self, split: Split, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        return delivery.batches(self._split(split), size)

    def generator(self, name: str) -> torch.Generator:
        named = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
        return torch.Generator().manual_seed(mix(self.seed, named))

    @property
    def _training(self) -> Going:
        if self.going is None:
            raise RuntimeError("this network is not trained: there are no data, no task and no optimiser")
        return self.going

    def _split(self, split: Split) -> dataset.Split:
        found = {"train": self._training.data.train, "val": self._training.data.val}[split]
        return replace(found, augment=None)

    @contextmanager
    def _undisturbed(self) -> Iterator[None]:
        """Within, random numbers are others'; after it training goes on as if nothing had been."""
        was_training, on_gpu = self.network.training, self.device.type == "cuda"
        drawn = torch.get_rng_state(), torch.cuda.get_rng_state(self.device) if on_gpu else None
        try:
            yield
        finally:
            self.network.train(was_training)
            torch.set_rng_state(drawn[0])
            if drawn[1] is not None:
                torch.cuda.set_rng_state(drawn[1], self.device)

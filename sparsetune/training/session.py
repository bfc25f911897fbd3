"""The session of a training: what its method sees, with what it needs to answer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from sparsetune.base.seeds import mix
from sparsetune.config.metrics import Kind
from sparsetune.data import dataset, delivery
from sparsetune.measures.cost import Cost
from sparsetune.sparsity.session import At, Split
from sparsetune.training import tensors
from sparsetune.training.keys import digest_of_state
from sparsetune.training.randomness import Counters, drawn_state, put_drawn_state
from sparsetune.training.task import Task
from sparsetune.training.tensors import cloned

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
        cost: so far, of the way to here.
        counters: where in the data training stands.
        stage: path of the one that runs.
        draw: a network as it was drawn at the beginning, on the CPU, from torch's random numbers.
        snapshots: by name: weights, buffers, the task's parameters, and where in the data training stood. They never
            change.
    """

    network: nn.Module
    prunable: Mapping[str, nn.Parameter]
    dropout_sites: tuple[str, ...]
    task: Kind
    seed: int
    device: torch.device
    masks: dict[str, Tensor] = field(default_factory=dict)
    cost: Cost = field(default_factory=Cost)
    counters: Counters = field(default_factory=Counters)
    stage: str = ""
    snapshots: dict[str, dict[str, Any]] = field(default_factory=dict)
    memory: dict[str, float] = field(default_factory=dict)
    going: Going | None = None
    draw: Callable[[], nn.Module] | None = None
    _companions: dict[str, list[Tensor]] = field(default_factory=dict)

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
        return At(self.cost.steps, self.counters.epochs, self.stage)

    @property
    def optimizer(self) -> Optimizer:
        return self._training.optimizer

    @property
    def train_samples(self) -> int:
        return len(self._training.data.train)

    def evaluate(self, split: Split) -> Mapping[str, float]:
        samples = self._split(split)
        with self._undisturbed():
            means = self._training.evaluated(samples, self.counters.epochs)
        self.cost.scored += len(samples)
        return means

    def loss(self, split: Split) -> float:
        return self.evaluate(split)["loss"]

    def error(self, split: Split) -> float:
        return self._training.task.error_of(self.loss(split))

    def objective(self, inputs: Tensor, targets: Tensor) -> Tensor:
        return self._training.task.error(self.network(inputs), targets)

    def batches(self, split: Split, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        return delivery.batches(self._split(split), size)

    def generator(self, name: str) -> torch.Generator:
        named = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
        return torch.Generator().manual_seed(mix(self.seed, named))

    def spend(self, *, trained: int = 0, scored: int = 0, beside: float = 0.0) -> None:
        self.cost.trained += trained
        self.cost.scored += scored
        self.cost.beside += beside

    def snapshot(self, name: str) -> None:
        state = {"network": self.network.state_dict(), "counters": self.counters.state_dict()}
        state = cloned({**state, "task": self.going.task.state_dict() if self.going else {}})
        self.snapshots[name] = {"key": digest_of_state(state), **state}

    def restore(self, name: str) -> None:
        if name not in self.snapshots:
            raise ValueError(f"there is no snapshot {name!r} (allowed: {', '.join(self.snapshots) or 'none'})")
        kept, present = self.snapshots[name]["network"], self.network.state_dict()
        changed = [each for each, value in kept.items() if value.shape != present[each].shape]
        if changed:
            raise ValueError(f"{', '.join(changed)} had other shapes at snapshot {name!r}: there is no way back")
        self.network.load_state_dict(kept)
        if self.going is not None:
            self.going.task.load_state_dict(self.snapshots[name].get("task", {}))  # of an earlier version none
        self.wear()

    @torch.no_grad()
    def redraw(self) -> None:
        if self.draw is None:
            raise RuntimeError("nobody has said how this network is drawn")
        drawn = tensors.tensors_of(self.draw())
        for name, tensor in tensors.tensors_of(self.network).items():
            tensor.copy_(drawn[name])
        if self.going is not None:
            self.going.task.redraw()
        self.wear()

    @torch.no_grad()
    def wear(self) -> None:
        """Set to 0 what masks remove."""
        parameters = dict(self.network.named_parameters())
        for name, mask in self.masks.items():
            parameters[name].masked_fill_(~mask, 0)  # a product would leave -0.0

    def register(self, parameter: str, *companions: Tensor) -> None:
        self._companions.setdefault(parameter, []).extend(companions)

    def companions(self, parameter: str) -> tuple[Tensor, ...]:
        return tuple(self._companions.get(parameter, ()))

    def cut(self, parameter: str, dim: int, kept: Tensor) -> None:
        cut = [tensors.tensors_of(self.network)[parameter], *self.companions(parameter)]
        tensors.cut(cut, dim, kept, self.going.optimizer if self.going else None)
        if parameter in self.masks:
            self.masks[parameter] = self.masks[parameter].index_select(dim, kept)

    @property
    def _training(self) -> Going:
        if self.going is None:
            raise RuntimeError("this network is not trained: there are no data, no task and no optimiser")
        return self.going

    def _split(self, split: Split) -> dataset.Split:
        samples = {"train": self._training.data.train, "val": self._training.data.val}[split]
        return replace(samples, augment=None)

    @contextmanager
    def _undisturbed(self) -> Iterator[None]:
        """Within, random numbers are others'; after it training goes on as if nothing had been."""
        was_training, drawn = self.network.training, drawn_state(self.device)
        try:
            yield
        finally:
            self.network.train(was_training)
            put_drawn_state(drawn, self.device)

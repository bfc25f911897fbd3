"""A plain torch loop, which knows nothing of stages, sessions and cursors."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import Optimizer

from sparsetune.base.seeds import mix
from sparsetune.config.trial import TrialConfig
from sparsetune.data import load_dataset
from sparsetune.data.dataset import Split
from sparsetune.training.computing import subnormals_are_zero
from sparsetune.training.registries import REGISTRIES

from .walking import BATCH, STEPS

Weights = Mapping[str, Tensor]
Loss = tuple[float | None, float]


class Place(NamedTuple):
    """In the data: epoch, step and order of it, and where the random numbers stand."""

    epoch: int = 0
    step: int = 0
    order: Tensor | None = None
    drawn: Tensor | None = None


class Plain:
    """A network that is trained.

    Attributes:
        masks: of weights by name, bool.
        rows: losses on training and validation data.
        best: weights after the evaluation of lowest loss on validation data since :meth:`train` was called.
        kept: weights and place when so many steps were done as :meth:`train` was told.
    """

    def __init__(self, config: TrialConfig) -> None:
        self.config, self.seed = config, config.seed
        self.data = load_dataset(config.data, REGISTRIES.data)
        torch.manual_seed(mix(self.seed, 0))
        self.network = self.built(config.model)
        self.optimizer = self.new_optimizer()
        self.masks: dict[str, Tensor] = {}
        self.place = Place()
        self.rows: list[Loss] = []
        self.best: Weights = {}
        self.kept: tuple[Weights, Place] = {}, Place()

    def built(self, model: Any) -> nn.Module:
        network: nn.Module = REGISTRIES.model.get(model.name).build(model, self.data.input_shape, self.data.outputs)
        return network

    def new_optimizer(self) -> Optimizer:
        training, parameters = self.config.training, self.network.parameters()
        if training.optimizer == "adam":
            return torch.optim.Adam(parameters, training.lr, fused=True)
        return torch.optim.SGD(parameters, training.lr, training.momentum, fused=True)

    @property
    def prunable(self) -> dict[str, Tensor]:
        return {name: each.detach() for name, each in self.network.named_parameters() if name.endswith("weight")}

    def weights(self) -> Weights:
        return {name: value.clone() for name, value in self.network.state_dict().items()}

    def wear(self) -> None:
        for name, mask in self.masks.items():
            self.prunable[name].masked_fill_(~mask, 0)

    def learning_rate(self, done: int, horizon: int) -> float:
        lr = self.config.training.lr
        if self.config.training.schedule.name == "constant":
            return lr
        return lr * (1 + math.cos(math.pi * (done / horizon))) / 2

    def batch(self) -> tuple[Tensor, Tensor]:
        """The next one; random numbers go on as if nothing had been since the last."""
        if self.place.step:
            assert self.place.drawn is not None
            torch.set_rng_state(self.place.drawn)
        else:
            torch.manual_seed(mix(self.seed, self.place.epoch + 1))
            self.place = self.place._replace(order=torch.randperm(len(self.data.train)))
        assert self.place.order is not None
        chosen = self.place.order[self.place.step * BATCH :][:BATCH]
        return self.data.train.inputs[chosen], self.data.train.targets[chosen]

    @subnormals_are_zero()
    def step(self, lr: float) -> tuple[Tensor, Tensor]:
        """What was predicted before it, and the targets."""
        inputs, targets = self.batch()
        self.network.train()
        outputs = self.network(inputs)
        self.optimizer.zero_grad()
        cross_entropy(outputs, targets).backward()
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        self.optimizer.step()
        self.wear()
        epoch, step, order, _ = self.place
        more = step + 1 < STEPS
        self.place = Place(epoch, step + 1, order, torch.get_rng_state()) if more else Place(epoch + 1)
        return outputs.detach(), targets

    def train(self, steps: int, every: int = STEPS, *, after: int = 0, horizon: int, keep: int = 0) -> Iterator[int]:
        """Yields the steps done after each evaluation, but for the last.

        Args:
            after: so many steps of the schedule.
            horizon: steps that it spans.
        """
        predicted: list[tuple[Tensor, Tensor]] = []
        lowest = math.inf
        for done in range(1, steps + 1):
            predicted.append(self.step(self.learning_rate(after + done - 1, horizon)))
            if done == keep:
                self.kept = self.weights(), self.place
            if done % every == 0 or done == steps:
                outputs, targets = zip(*predicted, strict=True)
                predicted.clear()
                self.rows.append((mean_loss(torch.cat(outputs), torch.cat(targets)), self.loss(self.data.val)))
                if self.rows[-1][1] < lowest:
                    lowest, self.best = self.rows[-1][1], self.weights()
                if done < steps:
                    yield done

    def through(self, *args: Any, **settings: Any) -> None:
        """Train, with nothing between evaluations."""
        for _ in self.train(*args, **settings):
            pass

    @subnormals_are_zero()
    @torch.no_grad()
    def loss(self, split: Split) -> float:
        self.network.eval()
        return mean_loss(self.network(split.inputs), split.targets)


def mean_loss(outputs: Tensor, targets: Tensor) -> float:
    return float(cross_entropy(outputs, targets, reduction="sum")) / len(targets)

"""What is said of a network while it trains and at the end, by random numbers with seeds of their own."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from sparsetune.base.messages import Metrics
from sparsetune.config.base import Part
from sparsetune.config.registry import Registries
from sparsetune.config.trial import TrialConfig
from sparsetune.data.dataset import Dataset, Split
from sparsetune.training.build import Built
from sparsetune.training.evaluation import evaluate, predictions
from sparsetune.training.final import noise_numbers, size_numbers, test_numbers, val_numbers
from sparsetune.training.seeding import EVALUATION, seed_all
from sparsetune.training.task import Task


class Measuring:
    """Measures a network as it is at the moment, in the way of predicting that its method has adopted."""

    def __init__(self, config: TrialConfig, built: Built, data: Dataset, task: Task, registries: Registries) -> None:
        self._config, self._asked = config, config.metrics
        self._built, self._data, self._task = built, data, task
        self._own = registries.measures_of(data.task)

    def validated(self, setting: Part, epoch: int) -> tuple[dict[str, float], Metrics]:
        """Validation's numbers by the task's names after so many epochs, and what else is asked for by the table's.

        What a method draws in predictions is the same for every setting.

        Args:
            setting: the method's config.
        """
        self._built.method.adopt(setting)
        kept: list[Tensor] | None = [] if self._asked.each_epoch else None
        found = self.evaluated(self._data.val, epoch, kept)
        if kept is None or not math.isfinite(found["loss"]):
            return found, {}
        further = self._of_state(torch.cat(kept))
        return found, {name: value for name, value in further.items() if name.removeprefix("val_") not in found}

    def before_training(self, setting: Part) -> Metrics:
        """All of these by the table's names, of the network as it was drawn."""
        numbers, further = self.validated(setting, 0)
        return {**{f"val_{name}": value for name, value in numbers.items()}, **further}

    def at_the_end(self) -> Metrics:
        """Test data's numbers, and what no row has."""
        return {**({} if self._asked.each_epoch else self._of_state(self._predicted(self._data.val))), **self._tested()}

    def predicting(self) -> Metrics:
        """What its predictions for validation and test data give, and nothing else."""
        kept: list[Tensor] = []
        means = {f"val_{name}": mean for name, mean in self.evaluated(self._data.val, 0, kept).items()}
        return {**val_numbers(torch.cat(kept), self._task, self._data, self._own), **means, **self._tested()}

    def evaluated(self, split: Split, epoch: int, kept: list[Tensor] | None = None) -> dict[str, float]:
        """A split's means by the task's names, after so many epochs; ``kept`` gets the predictions."""
        built = self._built
        seed_all(self._config.seed, EVALUATION + epoch, built.device)
        means = evaluate(built.network, built.method, self._task, split, built.evaluation_batch, kept)
        return dict(zip(self._task.names, means, strict=True))

    def _tested(self) -> Metrics:
        seed_all(self._config.seed, EVALUATION, self._built.device)
        return test_numbers(self._predicted(self._data.test), self._task, self._data, self._own)

    def _predicted(self, split: Split) -> Tensor:
        return predictions(self._built.network, self._built.method, split, self._built.evaluation_batch)

    def _of_state(self, predicted: Tensor) -> Metrics:
        """All that can be said of the network as it is now, given its predictions (N, C) for validation data."""
        built, data = self._built, self._data
        given = built.network, built.method
        found = val_numbers(predicted, self._task, data, self._own)
        found |= size_numbers(*given, built.anatomy.work, data, found, by_layer=self._asked.each_epoch)
        if self._asked.noise_samples is not None and data.task == "classification":
            found |= noise_numbers(*given, data, self._asked.noise_samples, built.evaluation_batch)
        return found

"""Learning curves without training, for ``virtual.py``: they rise and saturate at different speeds, cross, carry noise,
and their two ends, ``val_accuracy`` and ``compute_saved`` (both to be maximised), trade off."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sparsetune.base.messages import Metrics, Row
from sparsetune.config.study.file import Objective

OBJECTIVES = (Objective(metric="val_accuracy", goal="maximize"), Objective(metric="compute_saved", goal="maximize"))
CHANCE = 0.1  # accuracy of a network that knows nothing
Params = Mapping[str, Any]  # a number, or an array of them


@dataclass(frozen=True)
class Landscape(ABC):
    """What training with some parameters, each in [0, 1], would give. The seed moves optima, noise and times."""

    seed: int
    epochs: int = 30
    floor: float = 0.1  # share of random settings whose accuracy is too low to count

    names: tuple[str, ...] = field(default=(), init=False)

    @abstractmethod
    def curves(self, params: Params) -> np.ndarray:
        """Without noise: (..., epochs, 2) for parameters of shape (..., 1)."""

    @abstractmethod
    def row(self, epoch: int, metrics: Metrics, params: Params) -> Row:
        """The row after an epoch, counted from 1, with its place in the plan."""

    def optimum(self, index: int, low: float, high: float) -> float:
        """A property of the landscape in [low, high]."""
        return low + (high - low) * float(np.random.default_rng([self.seed, index]).random())

    def rows(self, number: int, params: Params) -> list[Row]:
        """All that a trial would report."""
        noise = np.random.default_rng([self.seed, number, 1]).normal(0, (0.008, 0.002), (self.epochs, 2))
        values = self.curves(params) + noise
        return [
            self.row(epoch, {"val_accuracy": float(accuracy), "compute_saved": float(saved)}, params)
            for epoch, (accuracy, saved) in enumerate(values, 1)
        ]

    def seconds(self, number: int) -> float:
        """What an epoch of a trial takes, in virtual seconds."""
        return float(np.random.default_rng([self.seed, number, 2]).lognormal(0, 0.5))

    def reference(self) -> np.ndarray:
        """The reference point: the accuracy of the floor, and the cost that nine of ten random settings undercut."""
        draws = np.random.default_rng([self.seed, 3]).random((len(self.names), 2000, 1))
        ends = self.curves(dict(zip(self.names, draws, strict=True)))[:, -1]
        return np.array([np.quantile(ends[:, 0], self.floor), np.quantile(ends[:, 1], 0.1)])


@dataclass(frozen=True)
class Adaptive(Landscape):
    """Training on a share of the samples: the fewer, the cheaper and the less accurate. One phase.

    High learning rates converge fast to worse ends; dropout makes slower and better; a high gain holds the share early.
    """

    price: float = 0.2  # accuracy that the cheapest end pays

    names: tuple[str, ...] = field(default=("lr", "dropout", "share", "gain"), init=False)

    def curves(self, params: Params) -> np.ndarray:
        lr, dropout, share, gain = (params[name] for name in self.names)
        best_lr = self.optimum(0, 0.35, 0.65) + 0.2 * (share - 0.5)
        end = 0.96 - self.price * (1 - share) ** 2 - 1.6 * (lr - best_lr) ** 2
        end -= 0.2 * (dropout - self.optimum(1, 0.4, 0.8)) ** 2 + 0.05 * gain**2
        pace = self.optimum(2, 2.0, 4.0) * np.exp(2.5 * (0.5 - lr)) * (0.7 + dropout)  # epochs
        epoch = np.arange(1, self.epochs + 1)
        accuracy = CHANCE + np.maximum(end - CHANCE, 0) * (1 - np.exp(-((epoch / pace) ** 0.8)))
        active = share + (1 - share) * np.exp(-epoch / (0.5 + 4 * (1 - gain)))
        saved = 2 / 3 - np.cumsum(active, axis=-1) / epoch
        return np.stack(np.broadcast_arrays(accuracy, saved), axis=-1)

    def row(self, epoch: int, metrics: Metrics, params: Params) -> Row:
        return Row(epoch, 0, metrics, phase="train", since=epoch)


@dataclass(frozen=True)
class Pruned(Landscape):
    """Training, then pruning to a density at once, then training again: accuracy falls and recovers. Two phases.

    What is bold (a high learning rate after pruning) falls deeper and ends better. The first three epochs after the
    prune step are not settled.
    """

    names: tuple[str, ...] = field(default=("lr", "dropout", "sparsity", "boldness"), init=False)

    @property
    def first(self) -> int:
        """Epochs of the first phase."""
        return self.epochs * 2 // 5

    def density(self, params: Params) -> Any:
        return 0.5 * 0.02 ** params["sparsity"]

    def curves(self, params: Params) -> np.ndarray:
        lr, dropout, sparsity, boldness = (params[name] for name in self.names)
        end = 0.96 - 1.6 * (lr - self.optimum(0, 0.35, 0.65)) ** 2 - 0.2 * (dropout - self.optimum(1, 0.4, 0.8)) ** 2
        pace = self.optimum(2, 1.5, 3.0) * np.exp(2.5 * (0.5 - lr)) * (0.7 + dropout)
        epoch = np.arange(1, self.epochs + 1)
        rise = CHANCE + np.maximum(end - CHANCE, 0) * (1 - np.exp(-((epoch / pace) ** 0.8)))
        after = np.maximum(epoch - self.first, 0)
        lasting = 0.2 * sparsity**2 + 0.15 * (boldness - self.optimum(3, 0.5, 0.9)) ** 2
        passing = (0.2 + 0.6 * boldness) * np.exp(-(after - 1) / 1.5)
        accuracy = np.where(after > 0, np.maximum(rise - lasting - passing, CHANCE), rise)
        kept = np.where(after > 0, self.density(params), 1.0)
        return np.stack(np.broadcast_arrays(accuracy, 1 - np.cumsum(kept, axis=-1) / epoch), axis=-1)

    def row(self, epoch: int, metrics: Metrics, params: Params) -> Row:
        after = epoch - self.first
        if after <= 0:
            return Row(epoch, 0, {**metrics, "density": 1.0}, phase="train", since=epoch)
        metrics = {**metrics, "density": float(self.density(params))}
        return Row(epoch, 0, metrics, phase="retrain", since=after, settled=after > 3)

"""Procedures and rules of toys with trees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sparsetune.sparsity.history import History
from sparsetune.sparsity.session import Session
from sparsetune.sparsity.stage import Yielded
from sparsetune.testing.toy_method import magnitude_masks

REWIND = "k"


def prune(session: Session, kept: float) -> None:
    """Of the weights that are left, keep that fraction of largest magnitude."""
    left = sum(int(mask.sum()) for mask in session.masks.values()) or sum(map(Tensor.numel, session.prunable.values()))
    total = sum(map(Tensor.numel, session.prunable.values()))
    session.masks.update(magnitude_masks(session.prunable, kept * left / total))


@dataclass(frozen=True)
class Prune:
    """At once."""

    kept: float

    def __call__(self, session: Session, state: Any = None) -> None:
        prune(session, self.kept)


@dataclass(frozen=True)
class Rewind:
    """Weights as they were at a snapshot; the mask stays."""

    to: str

    def __call__(self, session: Session, state: Any = None) -> None:
        session.restore(self.to)


@dataclass(frozen=True)
class Reinit:
    """New weights under the same mask, drawn by a generator of the stage's own."""

    def __call__(self, session: Session, state: Any = None) -> None:
        generator = session.generator(session.at.stage)
        with torch.no_grad():
            for weight in session.prunable.values():
                weight.copy_(torch.randn(weight.shape, generator=generator) * 0.1)


@dataclass(frozen=True)
class Shuffle:
    """Masks with as many weights in each layer, at random."""

    def __call__(self, session: Session, state: Any = None) -> None:
        for name, mask in session.masks.items():
            session.masks[name] = mask.flatten()[torch.randperm(mask.numel())].reshape(mask.shape)


@dataclass(frozen=True)
class Threshold:
    """Take away whatever raises the training loss by at most ``delta`` of it; among five thresholds, by bisection."""

    delta: float

    def __call__(self, session: Session, state: Any = None) -> Iterator[Yielded]:
        kept = [1.0, 0.8, 0.6, 0.4, 0.2]
        limit, low = (session.loss("train") * (1 + self.delta), 0) if state is None else state
        while low + 1 < len(kept):
            before = {name: weight.detach().clone() for name, weight in session.prunable.items()}
            session.masks = magnitude_masks(session.prunable, kept[low + 1])
            for name, mask in session.masks.items():
                session.prunable[name].detach().masked_fill_(~mask, 0)
            if session.loss("train") > limit:
                for name, weight in before.items():
                    session.prunable[name].detach().copy_(weight)
                break
            low += 1
            yield (limit, low), low / len(kept)
        session.masks = magnitude_masks(session.prunable, kept[low])


@dataclass(frozen=True)
class Fit:
    """A loop of a procedure's own: gradient steps with noise, on the first samples."""

    steps: int
    lr: float

    def __call__(self, session: Session, state: Any = None) -> Iterator[Yielded]:
        step = 0 if state is None else state["step"]
        inputs, targets = next(iter(session.batches("train", 64)))
        while step < self.steps:
            noise = torch.randn(())
            parameters = list(session.network.parameters())
            gradients = torch.autograd.grad(session.objective(inputs, targets), parameters)
            with torch.no_grad():
                for parameter, gradient in zip(parameters, gradients, strict=True):
                    parameter.sub_(self.lr * (1 + noise) * gradient)
            session.spend(trained=len(targets))
            step += 1
            yield {"step": step}, step / self.steps


@dataclass(frozen=True)
class Worse:
    """The loss has risen, or there is nothing to compare with."""

    window: int = 2

    def __call__(self, history: History, session: Session) -> bool:
        recent = history.recent
        return len(recent) < 2 or recent[-1].loss <= recent[-2].loss


@dataclass(frozen=True)
class Cut:
    """Leave out the hidden units of least incoming norm; shapes change."""

    units: int

    def __call__(self, session: Session, state: Any = None) -> None:
        weight = session.prunable["linear1.weight"]
        kept = weight.detach().norm(dim=1).argsort(descending=True, stable=True)[: len(weight) - self.units].sort()[0]
        for name, dim in (("linear1.weight", 0), ("linear1.bias", 0), ("linear2.weight", 1)):
            session.cut(name, dim, kept)


@dataclass(frozen=True)
class Saturated:
    """The mean of the last ``window`` losses is no longer below that of as many before."""

    half: int = 2

    @property
    def window(self) -> int:
        return 2 * self.half

    def __call__(self, history: History, session: Session) -> bool:
        losses = [each.loss for each in history.recent]
        return len(losses) == self.window and sum(losses[self.half :]) >= sum(losses[: self.half])

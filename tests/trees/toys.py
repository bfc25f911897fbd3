"""Toys that stand in for methods whose trainings are trees: a comb, procedures that yield, deltas, shrinking, cutting.

A file of one's own, as studies import it: procedures and rules first, then the methods. Each is as small as shows its
kind of stage; the tests beside it write each again as a plain torch loop.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from sparsetune.base.durations import Duration
from sparsetune.config.base import Part, param
from sparsetune.config.trial import Training
from sparsetune.sparsity.history import History
from sparsetune.sparsity.method import Method
from sparsetune.sparsity.methods.pmmp import MinimaxPruning, PmmpConfig
from sparsetune.sparsity.session import Session
from sparsetune.sparsity.stage import Between, Stage, View, Yielded
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


class CombConfig(Part):
    """Settings of the comb."""

    name: Literal["comb"] = "comb"
    levels: int = param(4, "levels after the dense one", phase="level 0", ge=1)
    kept: float = param(0.6, "fraction of the weights that are left which a level keeps", phase="level", gt=0, lt=1)
    arm: Literal["ticket", "reinit", "shuffled"] = param("ticket", "what is trained at each level", phase="level")


class Comb(Method):
    """Levels of pruning, rewound to iteration 5 with its schedule and order; controls leave the chain at each."""

    Config = CombConfig
    phases = ("level 0", "level")

    @classmethod
    def tree(cls, config: CombConfig, training: Training) -> Stage:
        dense = cls.stage("level 0", training.length, config, training, snapshots=((REWIND, Duration(5, "it")),))
        sees = dense.sees
        view = replace(dense.view, setting=sees, results=(training.keep,))
        if config.arm != "ticket":
            view = View(sees, keep_row=0)
        return replace(dense, view=view, then=cls._level(config, training, 1, sees))

    @classmethod
    def _level(cls, config: CombConfig, training: Training, level: int, sees: Any) -> tuple[Stage, ...]:
        if level > config.levels:
            return ()
        ticket = config.arm == "ticket"
        looked = View(sees, results=("last", "best"))
        spine = Stage(
            f"level {level}",
            Duration(8, "it"),
            sees,
            view=looked if ticket else View(sees, keep_row=0),
            every=Duration(4, "it"),
            before=(Prune(config.kept), Rewind(REWIND)),
            schedule=REWIND,
            order=REWIND,
            then=cls._level(config, training, level + 1, sees),
        )
        if ticket:
            return (spine,)
        control = Reinit() if config.arm == "reinit" else Shuffle()
        name = f"level {level} {config.arm}"
        before = (Prune(config.kept), Rewind(REWIND), control)
        return (replace(spine, name=name, before=before, view=looked, optimizer="new", then=()), spine)


class DeltasConfig(Part):
    """Settings of the deltas."""

    name: Literal["deltas"] = "deltas"
    delta: float = param(0.1, "tolerated increase of the training loss", phase="prune", ge=0)
    finetune: int = param(2, "epochs after pruning", phase="prune", ge=0)


class Deltas(Method):
    """Train, prune as far as a tolerance allows, fine-tune: equal masks share that."""

    Config = DeltasConfig
    phases = ("train", "prune", "finetune")

    @classmethod
    def tree(cls, config: DeltasConfig, training: Training) -> Stage:
        finetune = cls.stage("finetune", Duration(config.finetune), config, training, phase="train")
        after = (replace(finetune, view=replace(finetune.view, setting=finetune.sees)),) if config.finetune else ()
        pruned = cls.stage(
            "prune", Duration(0), config, training, phase="train", before=(Threshold(config.delta),), content=True,
            then=after,
        )  # fmt: skip
        return cls.stage("train", training.length, config, training, then=(pruned,))


class CourseConfig(Part):
    """Settings of the course."""

    name: Literal["course"] = "course"
    fit: int = param(0, "steps of a procedure before training", phase="train", ge=0)
    shrink: bool = param(False, "cut two hidden units after every other evaluation that was no worse", phase="train")
    saturate: bool = param(False, "train until the loss is saturated", phase="train")
    cut: int = param(0, "hidden units that go before a second stage of 2 epochs", phase="second", ge=0)


class Course(Method):
    """One stage, or two, with whatever may happen in them."""

    Config = CourseConfig
    phases = ("train", "second")

    @classmethod
    def tree(cls, config: CourseConfig, training: Training) -> Stage:
        second = cls.stage("second", Duration(2), config, training, before=(Cut(config.cut),))
        train = cls.stage(
            "train",
            training.length,
            config,
            training,
            before=(Fit(config.fit, 0.05),) if config.fit else (),
            between=(Between(2, Cut(2), Worse()),) if config.shrink else (),
            then=(second,) if config.cut else (),
        )
        if not config.saturate:
            return train
        return replace(train, view=replace(train.view, until=Saturated(), least=Duration(4)))


class CuttingConfig(PmmpConfig):
    """Settings of PMMP."""

    name: Literal["cutting"] = "cutting"  # type: ignore[assignment]
    alpha: float = param(1e-3, "as there", phase="train")
    finetune_epochs: int = param(1, "as there", phase="finetune")


class Cutting(MinimaxPruning):
    """Two hidden units go after every other evaluation, with what stands beside their weights."""

    Config: ClassVar[Any] = CuttingConfig

    @classmethod
    def tree(cls, config: CuttingConfig, training: Training) -> Stage:
        return replace(super().tree(config, training), between=(Between(2, Cut(2)),))


METHODS = {"comb": Comb, "deltas": Deltas, "course": Course, "cutting": Cutting}

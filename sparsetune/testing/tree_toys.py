"""Toys that stand in for methods whose trainings are trees: a comb, procedures that yield, deltas, shrinking, cutting.

Each is as small as shows its kind of stage; ``tests/trees`` writes each again as a plain torch loop.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from sparsetune.base.durations import Duration
from sparsetune.config.base import Part, param
from sparsetune.config.trial import Training
from sparsetune.sparsity.method import Method
from sparsetune.sparsity.stage import Between, Stage, View
from sparsetune.testing.tree_pieces import (
    REWIND,
    Cut,
    Fit,
    Prune,
    Reinit,
    Rewind,
    Saturated,
    Shuffle,
    Threshold,
    Worse,
)


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


METHODS = {"comb": Comb, "deltas": Deltas, "course": Course}

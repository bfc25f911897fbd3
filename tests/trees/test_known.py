"""Stages whose equals have been trained: their results are measured again, for branches with other ways there."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any, ClassVar, Literal

from sparsetune.base.durations import Duration
from sparsetune.config.base import EVALUATION, param
from sparsetune.config.trial import Training
from sparsetune.sparsity.history import Patience
from sparsetune.sparsity.stage import Stage
from sparsetune.testing.trained import trial_config
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.trainer import Trainer

from .toys import Deltas, DeltasConfig
from .walking import BATCH, NETWORK, Branches, measure


class LookedAtConfig(DeltasConfig):
    """Settings of the deltas that are looked at."""

    name: Literal["looked at"] = "looked at"
    patience: int = param(6, "epochs without a lower loss that end fine-tuning", phase=EVALUATION)


class LookedAt(Deltas):
    """Fine-tuning of eight epochs, with two results."""

    Config: ClassVar[Any] = LookedAtConfig

    @classmethod
    def tree(cls, config: Any, training: Training) -> Stage:
        train = super().tree(config, training)
        (pruned,) = train.then
        (finetune,) = pruned.then
        view = replace(finetune.view, until=Patience(config.patience), results=("last", "best"))
        finetune = replace(finetune, duration=Duration(8), view=view)
        return replace(train, then=(replace(pruned, then=(finetune,)),))


LOOKED_AT = replace(REGISTRIES, method=REGISTRIES.method.extended({"looked at": LookedAt}))
CONFIG = trial_config(
    {"name": "looked at"}, NETWORK, registries=LOOKED_AT, batch_size=BATCH, epochs=2, lr=1.0
)  # so high that the last evaluation is not the best


def measured(parts: Branches) -> dict[str, dict[str, float]]:
    """The loss on test data of each result, by branch and name."""
    first = next(iter(parts.values()))
    trainer = Trainer(CONFIG.model_copy(update={"method": first}), parts, registries=LOOKED_AT)
    told = {}
    while trainer.go_on():
        measure(trainer)
        told = {branch: trainer.results.of_run(branch) for branch in parts}  # as a job does at each stopping point
    return {branch: {each.name: each.metrics["test_loss"] for each in results} for branch, results in told.items()}


def alone(parts: Branches) -> dict[str, dict[str, float]]:
    """The same of trainings of their own."""
    return {branch: measured({branch: part})[branch] for branch, part in parts.items()}


def test_the_best_is_measured_again_as_it_was() -> None:
    parts = {str(delta): CONFIG.method.model_copy(update={"delta": delta}) for delta in (0.1, 0.15)}
    wanted = alone(parts)
    assert wanted["0.1"] == wanted["0.15"], "their masks are equal"
    assert len({*wanted["0.1"].values()}) == 2
    assert measured(parts) == wanted


def test_an_equal_stage_that_is_looked_at_in_two_ways() -> None:
    parts = {
        f"{delta} {patience}": CONFIG.method.model_copy(update={"delta": delta, "patience": patience})
        for delta, patience in product((0.1, 0.15), (1, 6))
    }
    wanted = alone(parts)
    assert wanted["0.1 1"] != wanted["0.1 6"]
    assert measured(parts) == wanted

"""What methods of compression have in common: regularised training, a pruning step, fine-tuning without the penalty.

Source: L0-and-behold/efficient-compression (procedure.jl, tamade.jl). Where it differs from that is told in
``docs/compression.md``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor

from sparsetune.base.durations import Duration
from sparsetune.base.errors import BadInput
from sparsetune.base.messages import Metrics
from sparsetune.config.facts import facts_of
from sparsetune.config.metrics import Metric
from sparsetune.config.registry import Registries
from sparsetune.config.trial import Training, TrialConfig
from sparsetune.sparsity.compression_settings import FINETUNE, PRUNE, TRAIN
from sparsetune.sparsity.deletion import DeleteNeurons, deletion_numbers
from sparsetune.sparsity.formats import EFFICIENT_COMPRESSION
from sparsetune.sparsity.history import Rule
from sparsetune.sparsity.in_turn import InTurn
from sparsetune.sparsity.layerwise import LayerwisePruning
from sparsetune.sparsity.masks import kept_share
from sparsetune.sparsity.method import Method, TrainingFailed
from sparsetune.sparsity.metrics import DELETED, STUCK
from sparsetune.sparsity.random_gradient import GradientPruning
from sparsetune.sparsity.saturation import Saturated
from sparsetune.sparsity.session import Session
from sparsetune.sparsity.stage import AGAIN, GO_ON, Between, Procedure, Stage, View, Yielded
from sparsetune.sparsity.tamade import Tamade

WINDOW = 30
"""Losses that tell a saturated curve where no ``smoothing_window`` says how many."""


@dataclass(frozen=True)
class PruningStep:
    """Random gradient pruning, TAMADE or what else selects weights, random gradient pruning again, deletion."""

    select: Procedure
    gradients: GradientPruning | None
    delete: DeleteNeurons | None

    def __call__(self, session: Session, state: Any = None) -> Iterator[Yielded]:
        """Yields what the selection yields."""
        if state is None and self.gradients is not None:
            self.gradients(session)
        yield from self.select(session, state) or ()
        if self.gradients is not None:
            self.gradients(session)
        refuse_a_constant(session)
        if self.delete is not None:
            self.delete(session)


@torch.no_grad()
def refuse_a_constant(session: Session) -> None:
    """Raise :class:`TrainingFailed` where the network says the same of all samples."""
    session.network.eval()
    inputs, _ = next(iter(session.batches("val", 256)))
    outputs: Tensor = session.network(inputs)
    if len(outputs) > 1 and bool((outputs == outputs[:1]).all()):
        left = sum(int(mask.sum()) for mask in session.masks.values())
        problem = f"pruning has left {left} weights, and the network answers a constant"
        raise TrainingFailed(f"{problem}; with a smaller alpha or delta more are left")


@dataclass(frozen=True)
class LongEnough:
    """Another rule, from so many epochs on."""

    rule: Rule
    epochs: int

    @property
    def window(self) -> int:
        return self.rule.window

    def __call__(self, history: Any, session: Session) -> bool:
        return history.last.epochs >= self.epochs and self.rule(history, session)


class Compression(Method):
    """Base of the methods: dense training, pruned and fine-tuned."""

    metrics: ClassVar[tuple[Metric | str, ...]] = ("density", DELETED, STUCK)
    phases = (TRAIN, PRUNE, FINETUNE)
    runs_table = EFFICIENT_COMPRESSION
    by_layer: ClassVar[type[LayerwisePruning]] = LayerwisePruning
    """How layers are fitted, where a config asks for that."""

    def __init__(self, config: Any, session: Session) -> None:
        super().__init__(config, session)
        self._sizes = {name: weight.numel() for name, weight in session.prunable.items()}

    @classmethod
    def check(cls, config: TrialConfig, registries: Registries) -> None:
        """An accuracy can be tolerated where there is one, a stage has one rule that ends it, and masks can be kept."""
        method: Any = config.method
        facts = facts_of(config, registries)
        if method.accuracy_tolerance is not None and facts is not None and facts.task == "regression":
            here = f"{method.accuracy_tolerance:g} with a regression"
            raise BadInput(found=here, allowed="delta", key="method.accuracy_tolerance", code="conflict")
        if method.smoothing_window is not None and config.training.early_stop_patience is not None:
            both = f"smoothing_window {method.smoothing_window} and training.early_stop_patience"
            raise BadInput(found=both, allowed="one of them", key="method.smoothing_window", code="conflict")
        least = math.ceil(1 / method.layerwise_lr)  # Adam's step is at most about lr
        if (method.layerwise_pruning or method.finetune_layerwise_pruning) and method.layerwise_epochs < least:
            raise BadInput(
                found=f"{method.layerwise_epochs} steps, in which layerwise_lr takes no probability from 0 to 1",
                allowed=f"at least {least}",
                key="method.layerwise_epochs",
                code="conflict",
            )

    @classmethod
    def unpenalised(cls, config: Any) -> Any:
        """What fine-tuning sees: the config without the penalty."""
        return config

    @classmethod
    def tree(cls, config: Any, training: Training) -> Stage:
        """Train, prune, fine-tune; without fine-tuning what pruning leaves is the result.

        No stage lets hooks see how it was pruned, so that what prunes alike is fine-tuned once.
        """
        stage, pruning = partial(cls.stage, training=training, phase=TRAIN), cls.pruning(config)
        then: tuple[Stage, ...] = ()
        if config.finetune_epochs:
            schedule = GO_ON if config.finetune_schedule == GO_ON else AGAIN
            length = Duration(config.finetune_epochs)
            finetune = stage(FINETUNE, length, cls.unpenalised(config), schedule=schedule, settle=1)
            by_layer = {"layerwise_pruning": config.finetune_layerwise_pruning}
            shrinking = cls.pruning(config.model_copy(update=by_layer)) if config.finetune_shrinking else None
            then = (_timed(finetune, config, config.finetune_min_epochs, saturated(config), shrinking),)
        prune = stage(PRUNE, Duration(0), config, before=(pruning,), content=True, then=then)
        train = stage(TRAIN, training.length, config, reused=True, then=(prune,))
        shrinking = cls.pruning_on_the_way(config) if config.shrinking else None
        return _timed(train, config, config.min_epochs, cls.ended(config), shrinking)

    @classmethod
    def pruning(cls, config: Any) -> Procedure:
        """What happens between training and fine-tuning, and to shrink in this."""
        tamade = Tamade(
            config.delta,
            config.tamade_on,
            config.accuracy_tolerance,
            config.tamade_scope == "layer",
            config.prune_biases,
        )
        return cls.step(config, tamade)

    @classmethod
    def step(cls, config: Any, select: Procedure) -> PruningStep:
        """A pruning that selects weights by that, after layerwise pruning where the config asks for it."""
        gradients, delete = gradient_pruning(config), DeleteNeurons() if config.delete_neurons else None
        if not config.layerwise_pruning:
            return PruningStep(select, gradients, delete)
        by_layer = cls.by_layer(
            config.layerwise_alpha,
            config.layerwise_lr,
            config.layerwise_mask_start,
            config.layerwise_epochs,
            config.smoothing_window or WINDOW,
            config.prune_biases,
            gradients,
        )
        return PruningStep(InTurn((by_layer, select)), gradients, delete)

    @classmethod
    def pruning_on_the_way(cls, config: Any) -> Procedure:
        """What shrinks in training."""
        return cls.pruning(config)

    @classmethod
    def ended(cls, config: Any) -> Rule | None:
        """What ends training before its length is over."""
        return saturated(config)

    def numbers(self) -> Metrics:
        """The density of the prunable weights that masks allow, and what has been deleted."""
        return {"density": kept_share(self.session.masks, self._sizes), **deletion_numbers(self.session.memory)}


def gradient_pruning(config: Any) -> GradientPruning | None:
    """As a config of compression asks for it."""
    inputs = config.random_gradient_pruning
    if inputs == "none":
        return None
    return GradientPruning(inputs, config.gradient_batches, biases=config.prune_biases)


def saturated(config: Any) -> Saturated | None:
    """The rule that ends a stage, where a config of compression has one."""
    window: int | None = config.smoothing_window
    return None if window is None else Saturated(window, split=config.saturation_on)


def _timed(stage: Stage, config: Any, least: int, until: Rule | None, shrinking: Procedure | None) -> Stage:
    """With a rule as its end, and with pruning on the way."""
    between: tuple[Between, ...] = ()
    if shrinking is not None:
        rule = Saturated(config.smoothing_window or WINDOW, config.shrinking_margin, config.saturation_on)
        between = (Between(config.prune_window, shrinking, LongEnough(rule, least)),)
    view: View = stage.view
    if until is not None:
        view = replace(view, until=until, least=Duration(least))
    return replace(stage, view=view, between=between)

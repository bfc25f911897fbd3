"""What a config can say of its data, and of its training on them, before any are read."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sparsetune.config.metrics import Kind
from sparsetune.config.registry import Registries
from sparsetune.config.trial import TrialConfig


@dataclass(frozen=True)
class Facts:
    """Of one data config: enough to check models, methods and metrics against it.

    Attributes:
        input_shape: of one sample; images are (channels, height, width).
        outputs: classes, or numbers to predict.
        task: what is learned.
        train_samples: in the training split.
    """

    input_shape: tuple[int, ...]
    outputs: int
    task: Kind
    train_samples: int


def evaluations(config: TrialConfig, registries: Registries) -> int:
    """How often a training of the configured length is evaluated; an estimate where nobody has looked at its data."""
    training, facts = config.training, facts_of(config, registries)
    steps = 1 if facts is None else math.ceil(facts.train_samples / (training.batch_size * training.grad_accum_steps))
    return math.ceil(training.length.iterations(steps) / training.cadence.iterations(steps))


def facts_of(config: TrialConfig, registries: Registries) -> Facts | None:
    """The facts of a trial's data; None where they depend on files that nobody has looked at yet."""
    facts: Facts | None = registries.data.get(config.data.name).facts(config.data)
    return facts


def normed_batches(config: TrialConfig, registries: Registries) -> list[int]:
    """Sizes of the batches of several samples that BatchNorm trains on, the largest first.

    Empty where there is no BatchNorm, or nobody has looked at the data yet.
    """
    facts = facts_of(config, registries)
    if facts is None or not registries.model.get(config.model.name).batch_norm(config.model):
        return []
    batch, samples = config.training.batch_size, facts.train_samples
    return sorted({min(batch, samples), samples % batch} - {0, 1}, reverse=True)

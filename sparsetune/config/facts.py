"""What a config can say of its data, and of its training on them, before any are read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

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
    """How many rows the longest way through a training has; an estimate where nobody has looked at its data."""
    return _rows(_tree(config, registries), steps_of(config, registries) or 1)


def steps_of(config: TrialConfig, registries: Registries) -> int | None:
    """Iterations of an epoch; None where nobody has looked at the data."""
    training, facts = config.training, facts_of(config, registries)
    if facts is None:
        return None
    return math.ceil(facts.train_samples / (training.batch_size * training.grad_accum_steps))


def rewinds(config: TrialConfig, registries: Registries) -> bool:
    """Whether a stage of the training begins again, or where another one stood."""
    return _begins_again(_tree(config, registries))


def _tree(config: TrialConfig, registries: Registries) -> Any:
    return registries.method.get(config.method.name).tree(config.method, config.training)


def _begins_again(stage: Any) -> bool:
    return any(not child.goes_on or _begins_again(child) for child in stage.then)


def _rows(stage: Any, steps: int) -> int:
    """On the longest way from the beginning of a stage."""
    further = max((_rows(child, steps) for child in stage.then), default=0)
    rows: int = -(-stage.duration.iterations(steps) // stage.every.iterations(steps)) if stage.view.keep_row else 0
    return further + rows


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

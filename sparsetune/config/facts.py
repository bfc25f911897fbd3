"""What is known of a data set before its samples are: enough to check models, methods and metrics against it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from sparsetune.config.registry import Registries
    from sparsetune.config.trial import TrialConfig

Kind = Literal["classification", "regression"]


@dataclass(frozen=True)
class Facts:
    """Of one data config.

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
    found: Facts | None = registries.data.get(config.data.name).facts(config.data)
    return found

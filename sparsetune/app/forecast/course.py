"""What a config's training consists of, before anything is trained."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sparsetune.base.messages import Branch
from sparsetune.config.overrides import assign
from sparsetune.config.registry import Registries
from sparsetune.config.schedules import Cosine, OneCycle
from sparsetune.config.trial import resolve_trial
from sparsetune.data import load_dataset
from sparsetune.sparsity.method import Method
from sparsetune.training.walk.union import union_of


@dataclass(frozen=True)
class Course:
    """Of all branches of one seed.

    Attributes:
        steps: of an epoch.
        epochs: of all stages together, if no rule ends one sooner.
        stages: names with shares of that; none where there is one stage.
        open: a rule may end some of them sooner.
    """

    steps: int
    epochs: float
    stages: tuple[tuple[str, float], ...]
    open: bool


def course_of(config: dict[str, Any], branches: Sequence[Branch], registries: Registries) -> Course:
    """Of a resolved config and a job's branches."""
    configs = [resolve_trial(assign(config, branch.values), registries) for branch in branches]
    training = configs[0].training
    method: type[Method] = registries.method.get(configs[0].method.name)
    samples = len(load_dataset(configs[0].data, registries.data).train)
    steps = math.ceil(samples / (training.batch_size * training.grad_accum_steps))
    trees = {str(number): method.tree(each.method, each.training) for number, each in enumerate(configs)}
    union = union_of(trees, steps, spans=isinstance(training.schedule, Cosine | OneCycle))
    lengths = [(node.stage.name, node.stage.duration.iterations(steps)) for node in union.nodes]
    total = max(1, sum(length for _, length in lengths))
    several = len(union.nodes) > 1
    return Course(
        steps,
        total / steps,
        tuple((name, length / total) for name, length in lengths) if several else (),
        any(looked.view.until is not None for node in union.nodes for looked in node.views),
    )

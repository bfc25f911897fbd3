"""A training that comes before another, which takes up the tickets it leaves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sparsetune.base.errors import BadInput, shown
from sparsetune.base.layout.text import listed
from sparsetune.config.base import Model, check_model
from sparsetune.config.registry import Registries
from sparsetune.config.trial import Measurement, Training, TrialConfig, resolve_part, resolve_trial

if TYPE_CHECKING:
    from sparsetune.sparsity.stage import Stage

FIRST = "method.first"
_NONE = "its trainings leave no tickets of weights"


class First(Model):
    """Sections of that training's config; what is not written is the trial's own, as are model, seed and device."""

    method: Any
    data: Any = None
    training: Any = None


def completed(first: First, registries: Registries) -> First:
    """With parts instead of what was written, which fill in their defaults.

    Raises:
        BadInput: ``key`` begins with ``method.first``; also for a method that leaves no tickets of weights.
    """
    try:
        method = resolve_part("method", first.method, registries)
        data = None if first.data is None else resolve_part("data", first.data, registries)
        written = first.training is None or isinstance(first.training, Training)
        training = first.training if written else check_model(Training, first.training, key="training")
    except BadInput as error:
        raise error.at(key=f"{FIRST}.{error.key}") from None
    entries = registries.method
    leaving = [name for name in entries.names() if hasattr(entries.get(name), "begun")]
    if method.name not in leaving:
        allowed = ", ".join(leaving)
        raise BadInput(_NONE, found=method.name, allowed=allowed, key=f"{FIRST}.method.name", code="not_allowed")
    return First(method=method, data=data, training=training)


def config_of(first: First, trial: TrialConfig) -> TrialConfig:
    """The whole config of the training that comes before one of ``trial``."""
    training = first.training or trial.training
    return TrialConfig(
        method=first.method,
        data=trial.data if first.data is None else first.data,
        model=trial.model,
        training=training.model_copy(update={"device": trial.training.device}),
        metrics=Measurement(),
        seed=trial.seed,
    )


def check(first: First, trial: TrialConfig, level: int | None, registries: Registries) -> None:
    """Check that training as a trial of its own would be, and that it leaves the ticket of a level.

    Raises:
        BadInput: names the key.
    """
    config = config_of(first, trial)
    try:
        resolve_trial(config.plain(), registries)
    except BadInput as error:
        raise in_first(error, first) from None
    if config.training.loss == "gauss":
        raise in_first(BadInput(_NONE, found="gauss", allowed="null", key="training.loss"), first)
    method: Any = registries.method.get(config.method.name)
    left = sorted({*_levels(method, method.tree(config.method, config.training))})
    if not left:
        key = f"{FIRST}.method.{method.arms}"
        raise BadInput(_NONE, found=shown(getattr(config.method, method.arms, "")), key=key, code="not_allowed")
    if level is not None and level not in left:
        allowed = f"{listed(left, 8)}, of which {FIRST} leaves tickets"
        raise BadInput(found=str(level), allowed=allowed, key="method.level")


def _levels(method: Any, stage: Stage) -> Iterator[int]:
    """The levels of a tree whose tickets are among its results."""
    begun = method.begun(stage) if stage.view.results else None
    if begun is not None:
        yield begun.level
    for following in stage.then:
        yield from _levels(method, following)


def in_first(error: BadInput, first: First) -> BadInput:
    """The same problem under its key in ``method.first``, if it is of a section that is written there."""
    section = error.key.partition(".")[0]
    return error.at(key=f"{FIRST}.{error.key}") if getattr(first, section, None) is not None else error

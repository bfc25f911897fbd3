"""A training that comes before another, which takes up the tickets it leaves."""

from __future__ import annotations

from typing import Any

from sparsetune.base.errors import BadInput
from sparsetune.config.base import Model, check_model
from sparsetune.config.registry import Registries
from sparsetune.config.trial import Measurement, Training, TrialConfig, resolve_part, resolve_trial

FIRST = "method.first"


class First(Model):
    """Sections of that training's config; what is not written is the trial's own, as are model and seed."""

    method: Any
    data: Any = None
    training: Any = None

    @property
    def levels(self) -> int | None:
        """Of pruning that its method has, where that says it."""
        levels: int | None = getattr(self.method, "depth", None)
        return levels


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
        raise _in_first(error) from None
    entries = registries.method
    leaving = [name for name in entries.names() if hasattr(entries.get(name), "begun")]
    if method.name not in leaving:
        problem = "its trainings leave no tickets of weights"
        allowed = ", ".join(leaving)
        raise BadInput(problem, found=method.name, allowed=allowed, key=f"{FIRST}.method.name", code="not_allowed")
    return First(method=method, data=data, training=training)


def config_of(first: First, trial: TrialConfig) -> TrialConfig:
    """The whole config of the training that comes before one of ``trial``."""
    return TrialConfig(
        method=first.method,
        data=trial.data if first.data is None else first.data,
        model=trial.model,
        training=first.training or trial.training,
        metrics=Measurement(),
        seed=trial.seed,
    )


def check(config: TrialConfig, registries: Registries) -> None:
    """Check that training as a trial of its own would be; raises :class:`BadInput`."""
    try:
        resolve_trial(config.plain(), registries)
    except BadInput as error:
        raise _in_first(error) from None


def _in_first(error: BadInput) -> BadInput:
    key = error.key if error.key.startswith(("model.", "seed")) else f"{FIRST}.{error.key}"
    return error.at(key=key)

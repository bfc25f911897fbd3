"""Small trainings, run through or taken up again, and when two of them are the same."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from sparsetune.base.messages import Metrics
from sparsetune.config.metrics import Metric, metric_of
from sparsetune.config.registry import Registries
from sparsetune.config.trial import TrialConfig, resolve_trial
from sparsetune.training.left.saved import Saved
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.trainer import Trainer


def trial_config(
    method: dict[str, Any] | str = "dense",
    model: dict[str, Any] | str = "mlp",
    *,
    data: dict[str, Any] | str = "digits",
    metrics: dict[str, Any] | None = None,
    seed: int = 0,
    registries: Registries = REGISTRIES,
    **training: Any,
) -> TrialConfig:
    """A trial with ``device: cpu``, on digits unless it says otherwise; what is not given has its default."""
    raw = {"method": method, "data": data, "model": model, "training": {"device": "cpu", **training}, "seed": seed}
    return resolve_trial({**raw, "metrics": metrics or {}}, registries)


def run_through(config: TrialConfig, registries: Registries = REGISTRIES) -> tuple[Trainer, Metrics]:
    """The trainer at its end, and the trial's metrics."""
    trainer = Trainer(config, registries=registries)
    list(trainer)
    return trainer, trainer.finish()


def restarted(trainer: Trainer, registries: Registries = REGISTRIES) -> Trainer:
    """What a new process makes of what the trainer saves."""
    with TemporaryDirectory() as folder:
        Saved(Path(folder)).save({}, trainer.state_dict())
        state = Saved(Path(folder)).training({})
    assert state is not None
    fresh = Trainer(trainer.config, registries=registries)
    fresh.load_state_dict(state)
    return fresh


def untimed(metrics: Metrics, registries: Registries = REGISTRIES) -> Metrics:
    """The numbers in which two equal runs agree."""
    return {name: value for name, value in metrics.items() if not row_of(name, registries).timing}


def row_of(name: str, registries: Registries) -> Metric:
    """A number's row in the table."""
    metric = metric_of(name, registries.metrics)
    assert metric is not None, name
    return metric


def same_state(a: Any, b: Any) -> bool:
    """Equal bit for bit: nested mappings and lists of tensors and plain values."""
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(same_state(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same_state, a, b))
    return type(a) is type(b) and bool(a == b)

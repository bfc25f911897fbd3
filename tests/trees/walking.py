"""Walks trees of the toys: through, restarted at each stopping point, branch by branch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from sparsetune.config.base import Part
from sparsetune.config.trial import TrialConfig
from sparsetune.testing.trained import trial_config, untimed
from sparsetune.training.left.saved import Saved
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.trainer import Trainer

from .toys import METHODS

KNOWN = replace(REGISTRIES, method=REGISTRIES.method.extended(METHODS))
NETWORK = {"name": "mlp", "hidden": [12]}
BATCH, STEPS = 128, 9  # of an epoch, which has 1,079 samples
Branches = Mapping[str, Part]


def toy(method: dict[str, Any] | str, **training: Any) -> TrialConfig:
    """Two epochs, on digits nine steps each, unless it says otherwise."""
    return trial_config(method, NETWORK, registries=KNOWN, **{"batch_size": BATCH, "epochs": 2, "lr": 0.1, **training})


def branches(config: TrialConfig, name: str, values: tuple[Any, ...]) -> dict[str, Part]:
    """A fork over a field of the method."""
    return {str(value): config.method.model_copy(update={name: value}) for value in values}


def walked(config: TrialConfig, parts: Branches | None = None) -> Trainer:
    """The trainer at the end, with all results measured."""
    trainer = Trainer(config, parts, registries=KNOWN)
    while trainer.go_on():
        measure(trainer)
    return trainer


def restarted_everywhere(config: TrialConfig, parts: Branches | None = None) -> tuple[Trainer, int]:
    """The same, by a new process at each stopping point, before or after results are measured; and how many."""
    trainer, points = Trainer(config, parts, registries=KNOWN), 0
    with TemporaryDirectory() as folder:
        while trainer.go_on():
            points += 1
            if points % 2 or trainer.done:
                measure(trainer)
            if trainer.done:
                continue
            Saved(Path(folder)).save({}, trainer.state_dict())
            state = Saved(Path(folder)).training({})
            assert state is not None
            trainer = Trainer(config, parts, registries=KNOWN)
            trainer.load_state_dict(state)
            torch.manual_seed(points)  # whatever the process did before does not matter
            measure(trainer)
    return trainer, points


def measure(trainer: Trainer) -> None:
    for due in trainer.due:
        trainer.measure(due)


def told(trainer: Trainer, branch: str) -> tuple[list[Any], dict[str, Any]]:
    """A branch's rows and results, but for timings."""
    rows = [
        replace(row, timestamp_ms=0, done=0.0, metrics=untimed(row.metrics, KNOWN))  # a share is of all branches
        for row in trainer.journal.rows(branch)
    ]
    measured = trainer.results.measured[branch]
    return rows, {name: untimed(result.metrics, KNOWN) for name, result in measured.items()}


def all_told(trainer: Trainer) -> dict[str, Any]:
    return {branch: told(trainer, branch) for branch in trainer.union.steps}

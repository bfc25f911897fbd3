"""Tickets for tests: what a lottery of two levels on digits leaves, in a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sparsetune.base.messages import Job, Key
from sparsetune.base.paths import TICKET
from sparsetune.testing.trained import trial_config
from sparsetune.training.trial import run_trial

LOTTERY = {"name": "lottery", "levels": 2, "prune_fraction": 0.6}
MLP = {"name": "mlp", "hidden": [16, 8, 8]}
BRIEF = {"epochs": 3, "batch_size": 128, "lr": 0.5, "schedule": "cosine"}


def lottery(folder: Path, seed: int = 0, study: str = "", **changes: Any) -> Path:
    """A folder with the files of a run; ``changes`` to its sections."""
    sections = {"method": LOTTERY, "model": MLP, **changes}
    training = {**BRIEF, **sections.pop("training", {})}
    config = trial_config(**sections, seed=seed, **training)
    for report in run_trial(Job(Key(0, seed), config.plain(), str(folder), study=study)):
        assert report.outcome is None or report.outcome.state == "COMPLETE", report
    return folder


def ticket(folder: Path) -> Path:
    """The file of the last level of such a run."""
    return lottery(folder) / TICKET

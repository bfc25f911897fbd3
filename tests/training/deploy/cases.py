"""Networks of every kind that is exported, trained for a moment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sparsetune.base.messages import Job, Key, Outcome
from sparsetune.base.paths import WEIGHTS
from sparsetune.config.trial import TrialConfig, resolve_trial
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.trial import run_trial

DROPPING = {"n_dropout_layers": 1, "p_dropout": 0.4}
DIABETES = {"name": "tabular", "set": "diabetes", "task": "regression"}
LARGER = {"name": "digits", "resize": 20, "num_train": 200}

CASES: dict[str, dict[str, Any]] = {
    "mlp": {"method": {"name": "ast", "min_active": 2}},
    "lenet5_caffe": {"model": {"name": "lenet5_caffe", "width_scale": 0.4}, "data": LARGER},
    "resnet20": {"model": {"name": "resnet20", "width_scale": 0.25}},
    "regression": {"data": DIABETES},
    "monte_carlo": {"method": {"name": "dense", **DROPPING, "mc_samples": 5}},
}


def trained(folder: Path, method: Any = "dense", **changes: Any) -> tuple[TrialConfig, Path, Outcome]:
    """A config, the file of weights that its training has left in a folder, and how that ended."""
    raw = {
        "method": method,
        "data": "digits",
        "model": {"name": "mlp", "hidden": [16], "batch_norm": True},
        "training": {"epochs": 2, "batch_size": 128},
        **changes,
    }
    config = resolve_trial(raw, REGISTRIES)
    *_, last = run_trial(Job(Key(0), config.plain(), str(folder)))
    assert last.outcome is not None
    return config, folder / WEIGHTS, last.outcome

"""A stored study of forked trials with replicates, written by plain Optuna: nothing is trained."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import optuna
from helpers.trials import FORK, several
from optuna.trial import TrialState, create_trial

from sparsetune.base.messages import Trial
from sparsetune.search.definition import METRIC_NAMES
from sparsetune.search.storage import DEFINITION

GATE = {"metric": "val_accuracy", "at_least": 0.8}


def forked(number: int, base: float) -> Trial:
    """More Monte Carlo samples are more accurate and save less; two seeds, one 0.02 better than the other."""
    results = {
        (seed, branch.name): {
            "val_accuracy": base + 0.1 * place + 0.02 * seed,
            "compute_saved": 0.6 - 0.2 * place - base / 10,
            "test_accuracy": base,
            "time_min": 0.1,
        }
        for seed in (0, 1)
        for place, branch in enumerate(FORK)
    }
    return several(number, results)


TRIALS = (
    forked(0, 0.7),
    forked(1, 0.75),
    several(2, {(0, branch.name): {} for branch in FORK}, state="FAIL", reason="no [memory] left"),
)


def store(root: Path, *, bound: float = 0.8, name: str = "forked", objectives: int = 2) -> str:
    """Write the study below ``root``, a project; returns its storage's URL."""
    (root / "search_spaces").mkdir(parents=True, exist_ok=True)
    (root / "mlruns").mkdir(exist_ok=True)
    url = f"sqlite:///{root / 'mlruns' / 'studies.db'}"
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(study_name=name, storage=url, directions=["maximize"] * objectives)
    names = ["val_accuracy", "compute_saved"][:objectives]
    study._storage.set_study_system_attr(study._study_id, METRIC_NAMES, names)
    study.set_user_attr(DEFINITION, {"constraints": [{**GATE, "at_least": bound}]})
    for trial in TRIALS:
        runs = [
            {"seed": run.key.seed, "branch": run.key.branch, "state": run.state, "metrics": run.metrics}
            for run in trial.runs
        ]
        attributes = {
            "config": trial.config,
            "branches": [asdict(branch) for branch in trial.branches],
            "runs": runs,
            "reason": trial.reason,
        }
        if trial.state == "FAIL":
            study.add_trial(create_trial(state=TrialState.FAIL, user_attrs=attributes))
        else:
            best = max(run.metrics["val_accuracy"] for run in trial.runs)
            study.add_trial(create_trial(values=[best, 0.0][:objectives], user_attrs=attributes))
    return url

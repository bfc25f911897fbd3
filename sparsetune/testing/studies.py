"""Running a study from a test, killing it, and comparing what is left: in Optuna's storage and in MLflow."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sparsetune.base.failpoints import VARIABLE
from sparsetune.base.paths import Project
from sparsetune.base.yaml_io import dump
from sparsetune.config.metrics import metric_of
from sparsetune.sparsity.methods import METRICS

SMALL = {
    "study": "small",
    "method": {"name": "ast"},
    "data": "digits",
    "model": {"name": "mlp", "hidden": [16]},
    "training": {"epochs": 4, "batch_size": 128},
    "space": {
        "method.target_activation": {"float": [0.2, 0.8]},
        "training.optimizer": {"choice": ["sgd", "adam"]},
        "training.momentum": {"float": [0.5, 0.95], "when": {"training.optimizer": "sgd"}},
    },
    "objectives": [{"metric": "val_accuracy", "goal": "maximize"}, {"metric": "compute_saved", "goal": "maximize"}],
    "sampler": {"name": "tpe", "n_startup_trials": 2},
    "budget": {"trials": 5},
    "tracking": {"checkpoint_every": "1ep"},
}
"""A study of seconds: conditional space, a checkpoint after each epoch, TPE after two trials."""


def write_study(root: Path, **changes: Any) -> Path:
    """A project in ``root`` with the small study, changed at top level; returns its file."""
    (root / "search_spaces").mkdir(parents=True, exist_ok=True)
    file = root / "studies" / "small.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(dump({**SMALL, **changes}))
    return file


def command(file: Path, *options: str) -> list[str]:
    """The command line that runs a study."""
    return [sys.executable, "-m", "sparsetune", "study", str(file), *options]


def start(file: Path, *options: str, failpoint: str | None = None, code: Path | None = None) -> subprocess.Popen[str]:
    """Start a study in a process of its own, that dies at a failpoint (``name:n``) if asked to.

    Args:
        code: a checkout whose code it runs; else the present one.
    """
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    environment.pop("MLFLOW_TRACKING_URI", None)
    if failpoint is not None:
        environment[VARIABLE] = f"{failpoint}:{file.parent.parent / 'died'}"
    if code is not None:
        environment["PYTHONPATH"] = str(code)  # for workers; of the process itself its folder comes first
    return subprocess.Popen(
        command(file, *options),
        cwd=code,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finish(file: Path, *options: str) -> str:
    """Run a study to its end in a process of its own; returns what it printed."""
    process = start(file, *options)
    said, _ = process.communicate()
    assert process.returncode == 0, said
    return said


def stored_trials(root: Path, name: str = "small") -> list[dict[str, Any]]:
    """Every trial of Optuna's storage without what differs between equal runs, read with plain Optuna."""
    import optuna

    study = optuna.load_study(study_name=name, storage=Project(root).storage_url)
    return [
        {
            "number": trial.number,
            "state": trial.state.name,
            "params": trial.params,
            "values": [
                None if timed(metric) else value
                for metric, value in zip(study.metric_names or (), trial.values or (), strict=False)
            ],
            "metrics": untimed(trial.user_attrs.get("metrics", {})),
            "config": trial.user_attrs["config"],
            "intermediate": trial.intermediate_values,
        }
        for trial in study.trials
    ]


def tracked_runs(root: Path, name: str = "small") -> dict[int, list[dict[str, Any]]]:
    """Every trial's runs in MLflow: status, params, and each untimed metric's steps and values."""
    from mlflow import MlflowClient
    from mlflow.entities import ViewType

    client = MlflowClient(Project(root).tracking_uri)
    experiment = client.get_experiment_by_name(name)
    assert experiment is not None
    runs: dict[int, list[dict[str, Any]]] = {}
    for run in client.search_runs([experiment.experiment_id], run_view_type=ViewType.ALL, max_results=1000):
        number = run.data.tags.get("sparsetune.trial")
        if number is None:
            continue
        history = {
            key: sorted((each.step, each.value) for each in client.get_metric_history(run.info.run_id, key))
            for key in run.data.metrics
            if not timed(key)
        }
        steps = {key: [step for step, _ in values] for key, values in history.items()}
        assert all(len(set(each)) == len(each) for each in steps.values()), f"a step is doubled: {steps}"
        fields = {
            "status": run.info.status,
            "params": run.data.params,
            "history": history,
            "files": sorted(file.path for file in client.list_artifacts(run.info.run_id)),
        }
        runs.setdefault(int(number), []).append(fields)
    return runs


def untimed(metrics: Mapping[str, float]) -> dict[str, float]:
    """The metrics that equal runs agree on."""
    return {name: value for name, value in metrics.items() if not timed(name)}


def timed(name: str) -> bool:
    """Whether a metric, or the one whose standard error it is, differs between equal runs."""
    metric = metric_of(name.removesuffix("_se"), METRICS)  # None: one of the user's own
    return metric is not None and metric.timing


def assert_same(root: Path, reference: Path, states: Sequence[str] = ("COMPLETE",)) -> None:
    """Two projects' small studies agree in every trial and every run; every trial ended in one of ``states``."""
    trials, runs = stored_trials(root), tracked_runs(root)
    assert trials == stored_trials(reference)
    assert runs == tracked_runs(reference)
    assert {trial["state"] for trial in trials} <= set(states)
    assert sorted(runs) == [trial["number"] for trial in trials]
    assert all(len(each) == 1 for each in runs.values()), "a trial has two runs"

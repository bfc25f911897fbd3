"""Whole studies, in-process and on Ray: what they leave in Optuna and in MLflow."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from sparsetune.app.study import Summary, load, run_study
from sparsetune.base.paths import Project
from sparsetune.show.summary import show_summary
from sparsetune.testing.studies import stored_trials, tracked_runs, write_study

ONE_GOAL = {"objectives": [{"metric": "val_loss", "goal": "minimize"}]}
PRUNED = {
    **ONE_GOAL,
    "training": {"epochs": 6},
    "space": {"training.lr": {"float": [1e-5, 0.1], "log": True}},
    "pruner": {"name": "median", "n_startup_trials": 2, "n_warmup_epochs": 1},
    "budget": {"trials": 12},
}


@pytest.fixture(autouse=True)
def own_tracking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def run(root: Path, overrides: dict[str, Any] | None = None, *, ray: bool = False, **changes: Any) -> Summary:
    study = load(write_study(root, **changes), overrides)
    return run_study(study, workers=2 if ray else None, in_process=not ray, console=Console(quiet=True))


@pytest.mark.parametrize(
    "ray", [pytest.param(False, id="in_process"), pytest.param(True, id="ray", marks=pytest.mark.slow)]
)
def test_a_pruned_trial_is_pruned_in_optuna_and_killed_in_mlflow(ray: bool, tmp_path: Path) -> None:
    summary = run(tmp_path, ray=ray, **PRUNED)
    assert summary.counts["PRUNED"] > 0
    assert summary.counts["PRUNED"] + summary.counts["COMPLETE"] == 12
    runs = tracked_runs(tmp_path)
    for trial in stored_trials(tmp_path):
        (tracked,) = runs[trial["number"]]
        assert tracked["status"] == {"COMPLETE": "FINISHED", "PRUNED": "KILLED"}[trial["state"]]
        losses = dict(tracked["history"]["val_loss"])
        assert trial["intermediate"] == losses
        if trial["state"] == "PRUNED":
            last = max(losses)
            assert 1 < last < 6
            assert trial["values"] == [losses[last]]
            assert trial["metrics"]["val_loss"] == losses[last]


def test_a_trial_that_runs_out_of_memory_fails_with_the_reason(tmp_path: Path) -> None:
    summary = run(tmp_path, {"model.hidden": [1000, 10**10]}, budget={"trials": 1})
    (failed,) = (trial for trial in summary.trials if trial.state == "FAIL")
    assert "out of memory" in failed.reason
    assert summary.exit_code == 3
    (tracked,) = tracked_runs(tmp_path)[0]
    assert tracked["status"] == "FAILED"
    assert "error.txt" in tracked["files"]


def test_an_outage_of_the_tracking_server_loses_nothing(tmp_path: Path) -> None:
    first = run(tmp_path, {"tracking.uri": "http://127.0.0.1:9"}, budget={"trials": 2})
    assert first.counts["COMPLETE"] == 2
    (kept,) = (Project(tmp_path).runs / "checkpoints").iterdir()
    assert len(list(kept.iterdir())) == 2
    run(tmp_path, budget={"trials": 3})
    runs = tracked_runs(tmp_path)
    assert sorted(runs) == [0, 1, 2]
    assert all(len(each) == 1 and each[0]["status"] == "FINISHED" for each in runs.values())
    assert [step for step, _ in runs[0][0]["history"]["val_loss"]] == [1, 2, 3, 4]
    assert list(kept.iterdir()) == []


def test_what_a_trial_leaves_in_mlflow(tmp_path: Path) -> None:
    from mlflow import MlflowClient

    run(tmp_path, {"metrics.gpu_tdp_watts": 100}, budget={"trials": 1})
    client = MlflowClient(Project(tmp_path).tracking_uri)
    experiment = client.get_experiment_by_name("small")
    runs = client.search_runs([experiment.experiment_id])
    parent = next(each for each in runs if "sparsetune.trial" not in each.data.tags)
    trial = next(each for each in runs if "sparsetune.trial" in each.data.tags)
    assert trial.data.tags["mlflow.parentRunId"] == parent.info.run_id
    wanted = {"sparsetune.study", "sparsetune.trial", "sparsetune.state", "host", "torch", "sparsetune", "code"}
    assert wanted <= set(trial.data.tags)
    epochs = {
        "train_loss", "train_accuracy", "val_loss", "val_accuracy", "activation_rate", "threshold",
        "controller_error", "energy_savings", "compute_saved", "step_time_ms", "est_flops_g", "est_energy_kj",
        "time_min",
    }  # fmt: skip
    for name in epochs:
        steps = sorted(point.step for point in client.get_metric_history(trial.info.run_id, name))
        assert steps == [1, 2, 3, 4], name
    assert {"steady_state_error", "activation_std", "clamp_share", "test_accuracy"} <= set(trial.data.metrics)
    results = Path(client.download_artifacts(trial.info.run_id, "final_results.json", str(tmp_path)))
    history = json.loads(results.read_text())["training_history"]
    assert {len(column) for column in history.values()} == {4}
    assert {file.path for file in client.list_artifacts(parent.info.run_id)} == {
        "front.json",
        "front.png",
        "study.yaml",
        "trials.csv",
    }


@pytest.mark.slow
def test_a_changed_sampler_is_noted_and_a_lower_budget_ends_at_once(tmp_path: Path) -> None:
    run(tmp_path, budget={"trials": 2})
    summary = run(tmp_path, {"sampler": "random"}, budget={"trials": 1})
    assert summary.counts["COMPLETE"] == 2


@pytest.mark.slow
def test_a_study_whose_storage_was_deleted_starts_afresh(tmp_path: Path) -> None:
    """Its name has runs in MLflow and may have checkpoints; nothing of them is taken for the new study's."""
    run(tmp_path, budget={"trials": 2})
    first = stored_trials(tmp_path)
    (tmp_path / "mlruns" / "studies.db").unlink()
    run(tmp_path, {"seed": 1}, budget={"trials": 2})
    assert [trial["metrics"] for trial in stored_trials(tmp_path)] != [trial["metrics"] for trial in first]
    runs = tracked_runs(tmp_path)
    assert [len(runs[number]) for number in (0, 1)] == [2, 2]
    assert {each["params"]["seed"] for each in runs[0]} == {"0", "1"}


def test_names_and_reasons_are_text_not_markup(tmp_path: Path) -> None:
    """Square brackets belong to paths and to torch's messages."""
    study = load(write_study(tmp_path, study="a[/b] [red]", budget={"trials": 1}), {"model.hidden": [1000, 10**10]})
    text = io.StringIO()
    summary = run_study(study, workers=None, in_process=True, console=Console(file=text, width=200))
    (failed,) = (trial for trial in summary.trials if trial.state == "FAIL")
    assert "[" in failed.reason
    assert failed.reason in " ".join(text.getvalue().split())
    show_summary(study, summary)

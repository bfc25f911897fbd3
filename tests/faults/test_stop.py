"""Ctrl-C and SIGTERM: the first lets running trials save their state, the second ends them at once."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from sparsetune.base.paths import Project
from sparsetune.testing.studies import assert_same, finish, start, stored_trials, write_study
from sparsetune.training.checkpoint import read_checkpoint

LONG: dict[str, Any] = {
    "training": {"epochs": 300, "batch_size": 32},
    "budget": {"trials": 2},
    "tracking": {"checkpoint_every": "100ep"},
}
EXECUTORS = {"in_process": ("--in-process",), "ray": ("--workers", "1")}


def until(process: subprocess.Popen[str], text: str) -> None:
    """Read what a study prints up to a line with this text."""
    assert process.stdout is not None
    said = ""
    while text not in said:
        line = process.stdout.readline()
        assert line, f"ended without {text!r}: {said}"
        said += line


@pytest.mark.slow
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM], ids=["ctrl_c", "sigterm"])
@pytest.mark.parametrize("options", EXECUTORS.values(), ids=EXECUTORS)
def test_running_trials_save_their_state_and_go_on_from_it(
    options: tuple[str, ...], signum: signal.Signals, tmp_path: Path
) -> None:
    file = write_study(tmp_path / "stopped", **LONG)
    process = start(file, *options)
    checkpoints = tmp_path / "stopped" / "mlruns" / "checkpoints"
    while not list(checkpoints.rglob("checkpoint.pt")):
        assert process.poll() is None
    process.send_signal(signum)
    said, _ = process.communicate()
    stopped = time.time()
    assert process.returncode == 128 + signum, said
    assert "goes on from here" in said
    assert "Traceback" not in said
    assert [trial["state"] for trial in stored_trials(tmp_path / "stopped")] == ["RUNNING"]
    (saved,) = checkpoints.rglob("checkpoint.pt")
    state = read_checkpoint(saved)
    assert state is not None
    epochs = state["training"]["cursor"]["evaluations"]
    assert 100 < epochs < 200, "it was stopped between two checkpoints that were due"

    finish(file, *options)
    uninterrupted = write_study(tmp_path / "reference", **LONG)
    finish(uninterrupted, "--in-process")
    assert_same(tmp_path / "stopped", tmp_path / "reference")
    assert [moment < stopped for moment in logged_at(tmp_path / "stopped", 0)].count(True) == epochs


def logged_at(root: Path, number: int) -> list[float]:
    """When each epoch of a trial was first known, in Unix seconds."""
    client = MlflowClient(Project(root).tracking_uri)
    experiment = client.get_experiment_by_name("small")
    (run,) = client.search_runs([experiment.experiment_id], f"tags.`sparsetune.trial` = '{number}'")
    return [point.timestamp / 1000 for point in client.get_metric_history(run.info.run_id, "train_loss")]


@pytest.mark.slow
@pytest.mark.parametrize("options", EXECUTORS.values(), ids=EXECUTORS)
def test_the_second_ctrl_c_does_not_wait_for_the_epoch(options: tuple[str, ...], tmp_path: Path) -> None:
    file = write_study(
        tmp_path,
        method="dense",
        model={"name": "mlp", "hidden": [1000, 1000]},
        training={"epochs": 1, "batch_size": 1},
        space={"training.lr": {"float": [0.001, 0.01]}},
        objectives=[{"metric": "val_accuracy", "goal": "maximize"}],
        budget={"trials": 2},
    )
    process = start(file, *options)
    until(process, "[1/2]")
    while len(stored_trials(tmp_path)) < 2:
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    until(process, "stopping")
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate()
    assert process.returncode == 130, said
    assert "Traceback" not in said
    states = [trial["state"] for trial in stored_trials(tmp_path)]
    assert states == ["COMPLETE", "RUNNING"], "the first alone would have let the only epoch, and so the trial, end"
    finish(file, "--in-process")
    assert [trial["state"] for trial in stored_trials(tmp_path)] == ["COMPLETE", "COMPLETE"]


@pytest.mark.slow
def test_all_workers_stop(tmp_path: Path) -> None:
    file = write_study(tmp_path, **{**LONG, "training": {"epochs": 20}, "budget": {"trials": 6}})
    process = start(file, "--workers", "2")
    until(process, "[2/6]")
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate()
    assert process.returncode == 130, said
    states = [trial["state"] for trial in stored_trials(tmp_path)]
    assert set(states) <= {"COMPLETE", "RUNNING"}
    finish(file, "--workers", "2")
    assert [trial["state"] for trial in stored_trials(tmp_path)] == ["COMPLETE"] * 6

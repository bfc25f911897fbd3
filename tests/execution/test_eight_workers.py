"""Eight workers on one study: no trial, no row and no result is lost, in the storage, in MLflow, in tables."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient
from typer.testing import CliRunner

from sparsetune.cli import app
from sparsetune.testing.studies import write_study

TRIALS, EPOCHS = 40, 3
STUDY = {
    "study": "eight",
    "method": {
        "choose": {
            "drr": {"method.alpha": {"float": [1e-6, 1e-4], "log": True}},
            "magnitude": {"method.delta": {"float": [0.0, 0.1]}},
        }
    },
    "model": {"name": "mlp", "hidden": [16]},
    "training": {"epochs": EPOCHS, "batch_size": 64, "optimizer": "adam"},
    "space": {"training.lr": {"float": [0.005, 0.02]}},
    "objectives": [{"metric": "val_accuracy", "goal": "maximize"}],
    "budget": {"trials": TRIALS},
}
DRIVER = """
import sys
import ray
import sparsetune
from sparsetune.execution.ray_start import environment

workers = environment(sys.executable)
ray.init(address="local", num_cpus=8, include_dashboard=False, log_to_driver=False, runtime_env=workers)
result = sparsetune.run(sys.argv[1], workers=8)
print(result.counts["COMPLETE"], len(result.trials))
"""


@pytest.mark.slow
def test_no_row_is_lost(tmp_path: Path) -> None:
    file = write_study(tmp_path, **STUDY)
    environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0"}
    command = [sys.executable, "-c", DRIVER, str(file)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-2:] == [str(TRIALS)] * 2
    with contextlib.chdir(tmp_path):
        plain, original = (CliRunner().invoke(app, ["export", "eight", *more]) for more in ([], ["--original"]))
    numbers = [int(line["number"]) for line in csv.DictReader(io.StringIO(plain.stdout))]
    assert sorted(numbers) == list(range(TRIALS))
    assert len(list(csv.reader(io.StringIO(original.stdout)))) == 1 + TRIALS
    client = MlflowClient(f"sqlite:///{tmp_path}/mlruns/mlflow.db")
    experiment = client.get_experiment_by_name("eight")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], "tags.`sparsetune.role` = 'trial'", max_results=1000)
    assert len(runs) == TRIALS
    for run in runs:
        steps = [each.step for each in client.get_metric_history(run.info.run_id, "val_loss")]
        assert sorted({*steps}) == list(range(1, EPOCHS + 10 + 1)), "training's epochs, and ten of fine-tuning"

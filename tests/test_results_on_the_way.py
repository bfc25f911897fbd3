"""A study whose trainings are combs: each level is a result, in the storage, in files, in MLflow, in a forecast."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import shutil
from pathlib import Path

import pytest
from mlflow import MlflowClient
from typer.testing import CliRunner

from sparsetune.base.paths import TABLE
from sparsetune.cli import app
from sparsetune.testing.studies import write_study

LEVELS = 2
COMB = {
    "study": "comb",
    "import": ["toys.py"],
    "method": {"name": "comb", "levels": LEVELS},
    "fork": {"method.arm": ["ticket", "reinit"]},
    "training": {"epochs": 2, "batch_size": 128, "lr": 0.1},
    "model": {"name": "mlp", "hidden": [8]},
    "space": {"method.kept": {"float": [0.5, 0.9]}},
    "objectives": [{"metric": "val_accuracy", "goal": "maximize"}],
    "sampler": "random",
    "budget": {"trials": 1},
}
TICKET = ["level 0 last", "level 0/level 1 last", "level 0/level 1 best"]


def cli(*arguments: str, cwd: Path) -> str:
    """What a command prints in a folder."""
    with contextlib.chdir(cwd):
        done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a study that has run."""
    root = tmp_path_factory.mktemp("comb")
    file = write_study(root, **COMB)
    shutil.copy(Path(__file__).parent / "trees" / "toys.py", file.parent)
    cli("study", str(file), "--in-process", cwd=root)
    return root


def test_export_has_a_line_for_each_result(project: Path) -> None:
    said = cli("export", "comb", "--results", cwd=project)
    lines = list(csv.DictReader(io.StringIO(said)))
    ticket = [line for line in lines if line["branch"] == "arm=ticket"]
    assert [f"{line['stage']} {line['which']}" for line in ticket][:3] == TICKET
    assert [int(line["result"]) for line in ticket] == list(range(1, 2 + 2 * LEVELS))
    assert [int(line["iterations"]) for line in ticket if line["which"] == "last"] == [18, 26, 34]
    whole = json.loads(cli("export", "comb", "--json", cwd=project))
    (row,) = [row for row in whole if row.get("branch") == "arm=ticket"]
    assert float(ticket[-1]["metrics.test_accuracy"]) == row["metrics"]["test_accuracy"], "the last is the run's own"
    plain = json.loads(cli("export", "comb", "--results", "--json", cwd=project))
    assert [each["metrics"]["test_loss"] for each in plain] == [float(line["metrics.test_loss"]) for line in lines]


def test_mlflow_has_a_table_a_curve_and_the_networks(project: Path) -> None:
    client = MlflowClient(f"sqlite:///{project}/mlruns/mlflow.db")
    experiment = client.get_experiment_by_name("comb")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], "params.`method.arm` = 'ticket'")
    (run,) = [run for run in runs if any(name.startswith("results/") for name in run.data.metrics)]
    points = client.get_metric_history(run.info.run_id, "results/test_accuracy")
    assert [point.step for point in points] == list(range(1, 2 + 2 * LEVELS))
    table = json.loads(Path(client.download_artifacts(run.info.run_id, TABLE)).read_text())
    column = table["columns"].index("test_accuracy")
    assert [line[column] for line in table["data"]] == [point.value for point in points]
    assert [f"{line[0]} {line[1]}" for line in table["data"]][:3] == TICKET
    assert json.loads(run.data.tags["mlflow.loggedArtifacts"]) == [{"path": TABLE, "type": "table"}]
    folders = [each.path for each in client.list_artifacts(run.info.run_id, "results")]
    assert len(folders) == 2 * LEVELS, "the last lies where those of other runs do"
    for folder in folders:
        names = {Path(each.path).name for each in client.list_artifacts(run.info.run_id, folder)}
        assert "weights.safetensors" in names
    assert max(each.step for each in client.get_metric_history(run.info.run_id, "val_loss")) == 34, "iterations"


@pytest.mark.slow
def test_a_forecast_tells_of_stages(project: Path) -> None:
    said = cli("study", "studies/small.yaml", "--dry-run", "--set", "study=another", cwd=project)
    assert f"{1 + 2 * LEVELS} stages of all branches together, each trained once" in said
    assert "level 0 36%, level 1 16%" in said  # 18 and 8 of 18 + 4 x 8 steps
    assert "for stages to come" in said

"""A study of several arms as it is trained: what its end says, leaves, and what `best` draws."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlflow import MlflowClient
from typer.testing import CliRunner

from sparsetune.base.paths import Project
from sparsetune.cli import app
from sparsetune.testing.studies import write_study


@pytest.mark.usefixtures("alone")
def test_a_study_of_tickets_has_arms(tmp_path: Path) -> None:
    study = {
        "method": {"name": "lottery", "levels": 1, "prune_fraction": 0.9},
        "fork": {"method.arm": ["ticket", "reinit_same_mask"]},
        "model": {"name": "mlp", "hidden": [20]},
        "training": {"epochs": 2},
        "space": {},
        "objectives": [{"metric": "val_accuracy", "goal": "maximize"}],
        "replicates": 2,
        "budget": {"trials": 1},
    }
    result = CliRunner().invoke(app, ["study", str(write_study(tmp_path, **study)), "--in-process"])
    assert result.exit_code == 0, result.output
    assert "ticket less it" in result.stdout
    assert "over 2 seeds" in result.stdout
    client = MlflowClient(Project(tmp_path).tracking_uri)
    (experiment,) = [each for each in client.search_experiments() if each.name == "small"]
    parents = [
        run
        for run in client.search_runs([experiment.experiment_id])
        if "sparsetune.trial" not in run.data.tags and "sparsetune.seed" not in run.data.tags
    ]
    (parent,) = [run.info.run_id for run in parents if "mlflow.parentRunId" not in run.data.tags]
    assert "arms.png" in {file.path for file in client.list_artifacts(parent)}
    drawn = tmp_path / "drawn.png"
    again = CliRunner().invoke(app, ["best", "small", "--figure", str(drawn), "--root", str(tmp_path)])
    assert again.exit_code == 0, again.output
    assert drawn.read_bytes().startswith(b"\x89PNG")

"""Single runs whose files MLflow does not take."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from typer.testing import CliRunner

from sparsetune.base.paths import Project
from sparsetune.base.yaml_io import dump
from sparsetune.cli import app


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One in a project whose runs' files would go where no package leads."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "search_spaces").mkdir()
    (tmp_path / "mlruns").mkdir()
    MlflowClient(Project(tmp_path).tracking_uri).create_experiment("runs", "s3://bucket/x")
    file = tmp_path / "one.yaml"
    model, training = {"name": "mlp", "hidden": [8]}, {"epochs": 1, "batch_size": 256}
    file.write_text(dump({"method": "dense", "data": "digits", "model": model, "training": training}))
    return file


def run(config: Path, *options: object) -> str:
    result = CliRunner().invoke(app, ["run", str(config), *map(str, options)])
    assert result.exit_code == 0, result.output
    return " ".join(result.stderr.split())


def runs(config: Path) -> list[Run]:
    client = MlflowClient(Project(config.parent).tracking_uri)
    return list(client.search_runs([client.get_experiment_by_name("runs").experiment_id]))


@pytest.mark.slow
def test_each_run_keeps_a_folder_of_its_own(config: Path, tmp_path: Path) -> None:
    for _ in range(2):
        assert run(config).count("warning: MLflow at") == 1
    found = runs(config)
    places = {Path(each.data.tags["sparsetune.files_at"]) for each in found}
    assert len(found) == len(places) == 2
    assert {each.info.status for each in found} == {"FINISHED"}
    for place in places:
        assert {path.name for path in place.iterdir()} >= {"config.yaml", "weights.safetensors", "final_results.json"}
    assert set((tmp_path / "mlruns" / "checkpoints").iterdir()) == places


def test_with_a_folder_that_was_asked_for_they_are_there(config: Path, tmp_path: Path) -> None:
    run(config, "-o", tmp_path / "out")
    (found,) = runs(config)
    assert found.data.tags["sparsetune.files_at"] == str(tmp_path / "out")
    assert (tmp_path / "out" / "weights.safetensors").exists()
    assert list((tmp_path / "mlruns" / "checkpoints").iterdir()) == []

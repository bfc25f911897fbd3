"""optuna-dashboard and MLflow's UI open what a study left."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sparsetune.config.paths import Project
from sparsetune.testing.servers import answer, free_port, serving
from sparsetune.testing.studies import finish, write_study


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("left")
    finish(write_study(root), "--in-process")
    return Project(root)


@pytest.mark.slow
def test_optuna_dashboard_shows_the_study(left: Project) -> None:
    port = free_port()
    program = str(Path(sys.executable).with_name("optuna-dashboard"))
    with serving(program, left.storage_url, "--host", "127.0.0.1", "--port", str(port), cwd=left.root):
        (study,) = answer(f"http://127.0.0.1:{port}/api/studies")["study_summaries"]
        assert study["study_name"] == "small"
        detail = answer(f"http://127.0.0.1:{port}/api/studies/{study['study_id']}")
    assert [trial["state"] for trial in detail["trials"]] == ["Complete"] * 5
    assert detail["objective_names"] == ["val_accuracy", "compute_saved"]


def test_mlflow_ui_shows_the_study(left: Project) -> None:
    port = free_port()
    with serving(sys.executable, "-m", "sparsetune", "ui", "small", "--port", str(port), cwd=left.root):
        url = f"http://127.0.0.1:{port}/api/2.0/mlflow"
        found = answer(f"{url}/experiments/get-by-name?experiment_name=small")["experiment"]
        runs = answer(f"{url}/runs/search", {"experiment_ids": [found["experiment_id"]]})["runs"]
    assert len(runs) == 6
    assert {run["info"]["status"] for run in runs} == {"FINISHED"}

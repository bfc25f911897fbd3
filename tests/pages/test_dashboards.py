"""optuna-dashboard and MLflow's UI open what a study left."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import browsing, needs_chromium, table, visit
from helpers.servers import answer, free_port, serving

from sparsetune.base.paths import Project
from sparsetune.testing.studies import finish, write_study
from sparsetune.tracking.page_state import KEY, TAG, address


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


@pytest.fixture(scope="module")
def served(left: Project) -> Iterator[str]:
    """MLflow's UI on it."""
    port = free_port()
    with serving(sys.executable, "-m", "sparsetune", "ui", "small", "--port", str(port), cwd=left.root):
        yield f"http://127.0.0.1:{port}"


@pytest.mark.slow
def test_mlflow_ui_shows_the_study(served: str) -> None:
    url = f"{served}/api/2.0/mlflow"
    found = answer(f"{url}/experiments/get-by-name?experiment_name=small")["experiment"]
    runs = answer(f"{url}/runs/search", {"experiment_ids": [found["experiment_id"]]})["runs"]
    assert len(runs) == 6
    assert {run["info"]["status"] for run in runs} == {"FINISHED"}
    assert TAG in {tag["key"] for tag in found["tags"]}


@pytest.mark.slow
@needs_chromium
def test_its_page_lists_the_trials_in_a_browser(served: str) -> None:
    url = f"{served}/api/2.0/mlflow/experiments/get-by-name?experiment_name=small"
    number = answer(url)["experiment"]["experiment_id"]
    with browsing(served, 3000, 900) as page:
        visit(page, address(served, number, key=KEY))
        heads, cells = table(page, 5)
    names = [head for head, _ in heads]
    assert names.index("metrics.`val_accuracy`") < names.index("params.`method.target_activation`")
    shown = [float(cell["metrics.`val_accuracy`"].rstrip("…")) for cell in cells]
    assert shown == sorted(shown, reverse=True)

"""A study whose epochs have all numbers: pruned by them, drawn, and kept in MLflow with its tables."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from rich.console import Console

from sparsetune.app.parts import train_and_draw
from sparsetune.app.study import Summary, load, run_study
from sparsetune.base.errors import BadInput
from sparsetune.base.messages import Branch, Job, Key, OwnFile
from sparsetune.base.paths import Project
from sparsetune.base.yaml_io import dump
from sparsetune.report import figures
from sparsetune.testing import toy_method
from sparsetune.testing.trained import trial_config
from sparsetune.training.registries import registries_of

STUDY: dict[str, Any] = {
    "study": "each",
    "method": "dense",
    "data": "digits",
    "model": {"name": "mlp", "hidden": [16]},
    "training": {"epochs": 6, "batch_size": 128},
    "metrics": {"each_epoch": True},
    "space": {"training.lr": {"float": [1e-4, 0.5], "log": True}},
    "objectives": [{"metric": "val_accuracy", "goal": "maximize"}, {"metric": "ece", "goal": "minimize"}],
    "sampler": "random",
    "pruner": "hypervolume",
    "budget": {"trials": 8},
}


def written(root: Path, **changes: Any) -> Path:
    (root / "search_spaces").mkdir(parents=True, exist_ok=True)
    file = root / "each.yaml"
    file.write_text(dump({**STUDY, **changes}))
    return file


def run(root: Path, **changes: Any) -> Summary:
    study = load(written(root, **changes))
    return run_study(study, workers=None, in_process=True, console=Console(file=io.StringIO(), width=100))


def runs(root: Path) -> dict[int, Any]:
    """Runs of trials in MLflow, by number."""
    client = MlflowClient(Project(root).tracking_uri)
    experiment = client.get_experiment_by_name("each")
    assert experiment is not None
    found = client.search_runs([experiment.experiment_id])
    return {int(run.data.tags["sparsetune.trial"]): run for run in found if "sparsetune.trial" in run.data.tags}


def test_calibration_prunes(tmp_path: Path) -> None:
    """Hypervolume of accuracy and ece; a trial that was stopped has an ece for each epoch, but no end."""
    summary = run(tmp_path)
    assert summary.counts["COMPLETE"] + summary.counts["PRUNED"] == 8
    assert summary.counts["PRUNED"] >= 2
    client = MlflowClient(Project(tmp_path).tracking_uri)
    for number, tracked in runs(tmp_path).items():
        trial = summary.trials[number]
        points = client.get_metric_history(tracked.info.run_id, "ece")
        files = {file.path for file in client.list_artifacts(tracked.info.run_id)}
        tables = {"results.csv", "results.units.json"}
        if trial.state == "PRUNED":
            assert trial.reason == f"pruned after epoch {len(points)}"
            assert not tables & files
            continue
        assert [point.step for point in points] == [1, 2, 3, 4, 5, 6]
        assert points[-1].value == trial.metrics["ece"] == tracked.data.metrics["ece"]
        assert tables <= files
        text = Path(client.download_artifacts(tracked.info.run_id, "results.csv", str(tmp_path))).read_text()
        lines = list(csv.DictReader(text.splitlines()))
        assert [float(line["ECE"]) for line in lines[1:]] == [point.value for point in points]
        assert float(lines[-1]["test_acc"]) == trial.metrics["test_accuracy"]


@pytest.mark.parametrize("pruner", ["hypervolume", {"name": "median", "metric": "ece"}])
@pytest.mark.parametrize("other", [{"metric": "mc_macs", "goal": "minimize"}, {"metric": "ece", "goal": "minimize"}])
def test_only_where_each_epoch_has_them_are_they_known_in_time(pruner: Any, other: Any, tmp_path: Path) -> None:
    objectives = [STUDY["objectives"][0], other]
    load(written(tmp_path, pruner=pruner, objectives=objectives))
    for metrics in ({}, {"each_epoch": False}):
        with pytest.raises(BadInput, match="known only at the end"):
            load(written(tmp_path, pruner=pruner, objectives=objectives, metrics=metrics))
    varied = {**STUDY["space"], "metrics.each_epoch": {"choice": [True, False]}}
    slt = {"pruner": pruner, "objectives": objectives, "metrics": {}, "method": "slt"}  # which asks for them itself
    load(written(tmp_path, **slt))
    with pytest.raises(BadInput, match="known only at the end"):
        load(written(tmp_path, **slt, space=varied))


def test_test_data_prune_nothing(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="test data"):
        load(written(tmp_path, pruner={"name": "median", "metric": "test_ece"}))
    with pytest.raises(BadInput, match="known only at the end"):
        load(written(tmp_path, pruner={"name": "median", "metric": "layer_density"}))


def test_a_figure_has_each_epoch_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a fork also those that its branches share, and which each of them hears of."""
    drawn: list[list[int]] = []
    monkeypatch.setattr(
        figures,
        "draw_figures",
        lambda folder, runs, *others: drawn.extend([row.epoch for row in rows] for rows in runs),
    )
    toy = OwnFile("toy_method.py", Path(toy_method.__file__).read_text())
    known = registries_of((toy,))
    config = trial_config("toy", STUDY["model"], epochs=3, metrics=STUDY["metrics"], registries=known).plain()
    branches = tuple(Branch(f"density={each}", {"method.density": each}) for each in (0.5, 0.1))
    told = list(train_and_draw(Job(Key(0), config, str(tmp_path), branches=branches, imports=(toy,))))
    for branch in branches:
        heard = [row.epoch for report in told if report.key == Key(0, 0, branch.name) for row in report.rows]
        assert heard == [1, 2, 3, 4, 5]
    assert drawn == [[1, 2, 3, 4, 5]] * 2


def test_layers_have_curves_and_a_figure_and_crowd_no_table(tmp_path: Path) -> None:
    (tmp_path / "toy_method.py").write_text(Path(toy_method.__file__).read_text())
    console = Console(file=io.StringIO(), width=200)
    file = written(
        tmp_path,
        **{"import": ["toy_method.py"]},
        method={"name": "toy", "density": 0.2},
        pruner="none",
        budget={"trials": 2},
        tracking={"figures": "all"},
    )
    summary = run_study(load(file), workers=None, in_process=True, console=console)
    assert summary.counts["COMPLETE"] == 2
    client = MlflowClient(Project(tmp_path).tracking_uri)
    for number, tracked in runs(tmp_path).items():
        assert {file.path for file in client.list_artifacts(tracked.info.run_id)} >= {"density_by_layer.png"}
        metrics = summary.trials[number].metrics
        for layer in ("linear1.weight", "linear2.weight"):
            points = client.get_metric_history(tracked.info.run_id, f"layer_density/{layer}")
            assert [point.value for point in points][:6] == [1.0] * 6
            assert [point.step for point in points] == list(range(1, 9))
            assert 0 < points[-1].value == metrics[f"layer_density/{layer}"] < 1
        assert metrics["sparsity"] == pytest.approx(0.8, abs=1e-3)
    assert "layer_density" not in console.file.getvalue()  # type: ignore[attr-defined]

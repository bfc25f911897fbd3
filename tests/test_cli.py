"""The commands as a user types them: what they print, where, and their exit codes."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from sparsetune.base.yaml_io import parse
from sparsetune.cli import app
from sparsetune.testing.studies import write_study

RUN_CONFIG = """
method: {name: ast, target_activation: 0.5}
data: digits
model: {name: mlp, hidden: [16]}
training: {epochs: 2}
"""


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the width of this terminal nor a tracking server of this user matters."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def call(*words: Any) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a finished study of two objectives, and one of a single objective."""
    root = tmp_path_factory.mktemp("finished")
    file = write_study(root)
    assert call("study", file, "--in-process").exit_code == 0
    single = file.with_name("single.yaml")
    single.write_text(file.read_text().replace("study: small", "study: one goal"))
    goal = "objectives=[{metric: val_loss, goal: minimize}]"
    assert call("study", single, "--in-process", "--trials", 3, "--set", goal).exit_code == 0
    return root


def test_study_ends_with_the_front_and_the_way_to_the_ui(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = call("study", write_study(tmp_path), "--in-process", "--trials", 2)
    assert result.exit_code == 0
    assert "small: 2 complete" in result.stdout
    assert "Pareto front" in result.stdout
    assert result.stdout.rstrip().endswith("ui small")
    assert "[2/2] trial 1 COMPLETE" in result.stderr
    assert "[2/2]" not in result.stdout


def test_study_goes_on_with_a_larger_budget_only_for_the_rest(tmp_path: Path) -> None:
    file = write_study(tmp_path)
    assert call("study", file, "--in-process", "--trials", 1).exit_code == 0
    result = call("study", file, "--in-process", "--trials", 3)
    assert "small: 3 complete" in result.stdout
    assert "trial 0" not in result.stderr
    again = call("study", file, "--in-process", "--trials", 3)
    assert again.exit_code == 0
    assert "COMPLETE" not in again.stderr
    assert "nothing is left to run" in again.stderr
    assert "nothing is left to run" not in result.stderr


def test_a_trial_that_diverges_is_a_fail_and_the_study_goes_on(tmp_path: Path) -> None:
    file = write_study(tmp_path, method="dense", space={"training.lr": {"choice": [0.01, 1e30]}})
    result = call("study", file, "--in-process", "--set", "objectives=[{metric: val_loss, goal: minimize}]")
    assert result.exit_code == 1
    assert "loss became" in result.stdout
    states = {t["state"] for t in json.loads(call("export", "small", "--json", "--root", tmp_path).stdout)}
    assert states == {"COMPLETE", "FAIL"}


def test_no_trial_completed_is_3(tmp_path: Path) -> None:
    file = write_study(tmp_path, method="dense", space=None)
    goal = "objectives=[{metric: val_loss, goal: minimize}]"
    result = call("study", file, "--in-process", "--trials", 2, "--set", "training.lr=1e30", "--set", goal)
    assert result.exit_code == 3
    assert "2 fail" in result.stdout


@pytest.mark.parametrize(
    ("changes", "options", "words"),
    [
        ({"objectives": [{"metric": "val_acuracy", "goal": "maximize"}]}, (), ("objectives.0.metric", "val_accuracy")),
        ({"data": "mnist", "model": "lenet5"}, (), ("data.root", "train-images-idx3-ubyte", "SPARSETUNE_DATA")),
        ({"resources": {"gpus": 8}}, (), ("resources.gpus", "8")),
        ({"storage": "sqlite:////no/such/folder/x.db"}, (), ("/no/such/folder/x.db", "cannot be opened")),
        ({"storage": "sqlite:///:memory:"}, (), ("storage", "lasts")),
        ({"tracking": {"uri": "bogus://x"}}, (), ("tracking.uri", "https://")),
        ({}, ("--workers", "3"), ("--workers", "--in-process")),
        ({}, ("--set", "method.kpp=1"), ("method.kpp", "did you mean 'kp'")),
        ({}, ("--set", "nonsense"), ("--set", "name=value")),
        ({"training": {"device": "cuda", "epochs": 1}}, ("--set", "resources.gpus=0"), ("training.device",)),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    changes: dict[str, Any],
    options: tuple[str, ...],
    words: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SPARSETUNE_DATA", raising=False)
    result = call("study", write_study(tmp_path, **changes), "--in-process", *options)
    assert result.exit_code == 2
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1
    assert all(word in lines[0] for word in words), lines[0]
    assert not (tmp_path / "mlruns").exists()


def test_another_meaning_is_refused_with_the_difference(finished: Path) -> None:
    result = call("study", finished / "studies" / "small.yaml", "--in-process", "--set", "training.epochs=9")
    assert result.exit_code == 2
    assert "training.epochs: 4 -> 9" in result.stderr


def test_dry_run_shows_and_writes_nothing(tmp_path: Path) -> None:
    result = call("study", write_study(tmp_path), "--dry-run")
    assert result.exit_code == 0
    assert result.stdout.count("method.target_activation:") == 4  # the space, and three configs
    assert not (tmp_path / "mlruns").exists()


def test_status(finished: Path) -> None:
    text = call("status", "--root", finished)
    assert text.exit_code == 0
    assert "one goal" in text.stdout
    document = json.loads(call("status", "small", "--root", finished, "--json").stdout)
    assert (document["study"], document["complete"], document["fail"]) == ("small", 5, 0)
    assert set(document["best"]) == {"val_accuracy", "compute_saved"}
    assert call("status", "smal", "--root", finished).exit_code == 2


def test_best_of_one_objective_is_a_config_that_run_takes(finished: Path, tmp_path: Path) -> None:
    result = call("best", "one goal", "--root", finished)
    assert result.exit_code == 0
    trials = json.loads(call("export", "one goal", "--root", finished, "--json").stdout)
    best = min(trials, key=lambda trial: trial["metrics"]["val_loss"])
    assert parse(result.stdout, source="stdout") == best["config"]
    file = tmp_path / "best.yaml"
    file.write_text(result.stdout)
    again = json.loads(call("run", file, "--root", finished, "--json").stdout)
    assert again[0]["metrics"]["val_loss"] == best["metrics"]["val_loss"]


def test_best_of_several_is_the_front_and_the_trial_asked_for(finished: Path) -> None:
    assert "Pareto front" in call("best", "small", "--root", finished).stdout
    config = parse(call("best", "small", "--trial", 1, "--root", finished).stdout, source="stdout")
    assert config["method"]["name"] == "ast"
    front = json.loads(call("best", "small", "--root", finished, "--json").stdout)
    values = [trial["values"] for trial in front]
    assert not any(all(a >= b for a, b in zip(x, y, strict=True)) and x != y for x in values for y in values)
    outside = call("best", "small", "--trial", 99, "--root", finished)
    assert (outside.exit_code, "0 to 4" in outside.stderr) == (2, True)


def test_export(finished: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(call("export", "small", "--root", finished, "--csv").stdout)))
    trials = json.loads(call("export", "small", "--root", finished, "--json").stdout)
    assert [int(row["number"]) for row in rows] == [trial["number"] for trial in trials] == list(range(5))
    assert float(rows[2]["metrics.val_accuracy"]) == trials[2]["metrics"]["val_accuracy"]
    assert call("export", "small", "--root", finished).stdout.startswith("number,state,")
    assert call("export", "small", "--root", finished, "--csv", "--json").exit_code == 2


def test_run_keeps_files_and_summarises_several(tmp_path: Path) -> None:
    (tmp_path / "search_spaces").mkdir()
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text(RUN_CONFIG)
    second.write_text(RUN_CONFIG + "seed: 1\n")
    result = call("run", first, second, "-o", tmp_path / "out", "--json")
    assert result.exit_code == 0
    assert [entry["name"] for entry in json.loads(result.stdout)] == ["first", "second"]
    left = sorted(path.name for path in (tmp_path / "out" / "first").iterdir())
    assert left == [
        "config.yaml",
        "controller.png",
        "curves.png",
        "final_results.json",
        "history.jsonl",
        "trace.npz",
        "weights.safetensors",
    ]
    results = json.loads((tmp_path / "out" / "first" / "final_results.json").read_text())
    assert results["epochs_completed"] == 2
    assert len((tmp_path / "out" / "first" / "history.jsonl").read_text().splitlines()) == 2
    assert (tmp_path / "out" / "second" / "weights.safetensors").exists()


def test_run_refuses_all_before_any_starts(tmp_path: Path) -> None:
    (tmp_path / "search_spaces").mkdir()
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(RUN_CONFIG)
    bad.write_text(RUN_CONFIG.replace("epochs", "epoch"))
    result = call("run", good, bad)
    assert result.exit_code == 2
    assert "bad.yaml: training.epoch: unknown key" in result.stderr
    assert not (tmp_path / "mlruns").exists()


def test_run_knows_a_study_and_a_key_one_level_up(tmp_path: Path) -> None:
    study = write_study(tmp_path)
    result = call("run", study)
    assert (result.exit_code, f"`sparsetune study {study}`" in result.stderr) == (2, True)
    config = tmp_path / "one.yaml"
    config.write_text(RUN_CONFIG)
    result = call("run", config, "--set", "epochs=3")
    assert (result.exit_code, "epochs: unknown key 'epochs'; did you mean 'training.epochs'?" in result.stderr) == (
        2,
        True,
    )
    result = call("study", config)
    assert (result.exit_code, f"`sparsetune run {config}`" in result.stderr) == (2, True)
    assert not (tmp_path / "mlruns").exists()


def test_run_that_diverges_tells_why(tmp_path: Path) -> None:
    (tmp_path / "search_spaces").mkdir()
    config = tmp_path / "wild.yaml"
    config.write_text(RUN_CONFIG)
    result = call("run", config, "--set", "training.lr=1e30", "--set", "method=dense")
    assert result.exit_code == 3
    assert "loss became" in result.stdout


def test_methods_and_metrics_explain_themselves() -> None:
    assert "ast" in call("methods").stdout
    detail = call("methods", "ast").stdout
    assert all(word in detail for word in ("Paper:", "target_activation", "kp", "clamp_share"))
    assert call("methods", "adt").exit_code == 2
    assert "compute_saved" in call("metrics").stdout


def test_run_writes_over_nothing(tmp_path: Path) -> None:
    (tmp_path / "search_spaces").mkdir()
    one, other = tmp_path / "a" / "best.yaml", tmp_path / "b" / "best.yaml"
    for file in (one, other):
        file.parent.mkdir()
        file.write_text(RUN_CONFIG)
    (tmp_path / "file").touch()
    for words, problem in {
        (one, other, "-o", tmp_path / "out"): "two configs are called 'best'",
        (one, "-o", tmp_path / "a"): "is not empty",
        (one, "-o", tmp_path / "file"): "cannot be used",
    }.items():
        result = call("run", *words)
        assert (result.exit_code, problem in result.stderr) == (2, True), result.stderr
    assert not (tmp_path / "mlruns").exists()


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    file = write_study(tmp_path)
    (tmp_path / "mlruns").touch()  # a file where the folder should be: also root cannot write there
    result = call("study", file, "--in-process")
    assert result.exit_code == 2
    assert len(result.stderr.strip().splitlines()) == 1
    assert f"nothing can be written in {tmp_path / 'mlruns'}" in result.stderr


def test_version() -> None:
    assert call("--version").stdout.startswith("sparsetune ")


def test_two_projects_on_one_storage_exclude_each_other(tmp_path: Path) -> None:
    from sparsetune.app.study import load
    from sparsetune.search.lock import hold, place

    files = [write_study(tmp_path / name, storage=f"sqlite:///{tmp_path}/shared.db") for name in "ab"]
    study = load(files[0])
    with hold(place(study.storage, study.project.runs, study.name), "small"):
        result = call("study", files[1], "--in-process")
    assert (result.exit_code, "is being run by process" in result.stderr) == (2, True)


def test_a_deleted_experiment_is_refused_before_anything_is_written(finished: Path) -> None:
    from mlflow import MlflowClient

    from sparsetune.base.paths import Project

    client = MlflowClient(Project(finished).tracking_uri)
    client.delete_experiment(client.create_experiment("gone"))
    result = call("study", finished / "studies" / "small.yaml", "--in-process", "--set", "study=gone")
    assert (result.exit_code, "was deleted" in result.stderr) == (2, True)
    assert call("status", "gone", "--root", finished).exit_code == 2


def test_verbose_shows_where_and_keeps_the_exit_code(tmp_path: Path) -> None:
    result = call("study", tmp_path / "none.yaml", "-v")
    assert result.exit_code == 2
    assert "Traceback" in result.stderr
    assert result.stderr.rstrip().endswith("none.yaml: no such file")


def test_the_doctor_knows_the_studies_of_a_project_and_leaves_no_trace(finished: Path) -> None:
    before = {path: path.read_bytes() for path in finished.rglob("*") if path.is_file()}
    result = call("doctor", "--root", finished, "--json")
    found = {each["what"]: each for each in json.loads(result.stdout)}
    assert (found["storage"]["state"], found["MLflow"]["state"]) == ("ok", "ok"), found
    assert "studies: 2, trials: 8" in found["storage"]["found"]
    assert re.search(r"experiments: [1-9]\d*, runs: [1-9]\d*, schema", found["MLflow"]["found"])
    assert {path: path.read_bytes() for path in finished.rglob("*") if path.is_file()} == before


def test_ui_opens_on_the_store_that_is_named(finished: Path, tmp_path: Path) -> None:
    missing = call("ui", "--uri", f"sqlite:///{tmp_path}/none.db", "--root", finished)
    assert (missing.exit_code, "none.db: nothing is recorded yet" in missing.stderr) == (2, True)
    bogus = call("ui", "--uri", "bogus://me:secret@x", "--root", finished)
    assert (bogus.exit_code, "--uri: found 'bogus://me:***@x', allowed: a URI that" in bogus.stderr) == (2, True)
    unknown = call("ui", "smal", "--uri", f"sqlite:///{finished}/mlruns/mlflow.db", "--root", tmp_path)
    assert (unknown.exit_code, "no experiment 'smal'" in unknown.stderr) == (2, True)


def test_ui_starts_elsewhere_so_a_path_becomes_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sparsetune.tracking.ui import absolute

    monkeypatch.chdir(tmp_path)
    assert absolute("sqlite:///a/x.db?timeout=5") == f"sqlite:///{tmp_path}/a/x.db?timeout=5"
    assert absolute(f"sqlite:///{tmp_path}/x.db") == f"sqlite:///{tmp_path}/x.db"
    assert absolute("https://me:secret@host/x") == "https://me:secret@host/x"

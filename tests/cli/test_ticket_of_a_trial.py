"""`sparsetune ticket show|eval STUDY --trial N`: the ticket of a run of a study, found in MLflow."""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.servers import mlflow_server
from mlflow import MlflowClient
from typer.testing import CliRunner, Result

from sparsetune.base.paths import TICKET, Project
from sparsetune.cli import app
from sparsetune.testing.studies import write_study
from sparsetune.training.left.ticket import read_ticket

ONE = [{"metric": "val_accuracy", "goal": "maximize"}]
SLT = {"name": "slt", "n_dropout_layers": 1, "p_dropout": 0.3}
SPARSITY = {"method.sparsity": {"float": [0.2, 0.8]}}
BRIEF = {"epochs": 2, "batch_size": 128}

pytestmark = pytest.mark.usefixtures("alone")


def call(*words: Any) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def ran(root: Path, *options: Any, **changes: Any) -> str:
    """What a study of two trials has printed at its end."""
    given = {"method": SLT, "space": SPARSITY, "training": BRIEF, "objectives": ONE, "budget": {"trials": 2}, **changes}
    result = call("study", write_study(root, **given), "--in-process", *options)
    assert result.exit_code in (0, 3), result.output
    return result.stdout


@pytest.fixture(scope="module")
def forked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with eight runs: two trials, two branches, two replicates."""
    root = tmp_path_factory.mktemp("forked")
    said = ran(root, fork={"method.mc_samples": [1, 5]}, replicates=2)
    (root / "said").write_text(said)
    return root


def shown(root: Path, *options: Any) -> Any:
    result = call("ticket", "show", "small", "--root", root, "--json", *options)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def refused(root: Path, *options: Any, name: str = "small") -> str:
    """The one line, the same for both commands."""
    lines = set()
    for command in ("show", "eval"):
        result = call("ticket", command, name, "--root", root, *options)
        assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1), result.output
        lines.add(result.stderr.removeprefix("error: ").rstrip("\n"))
    (line,) = lines
    return line


def test_each_run_has_its_own(forked: Path) -> None:
    """As MLflow's own client finds them: by what the run measured."""
    trials = json.loads(call("export", "small", "--json", "--root", forked).stdout)
    replicates = [row for row in trials if row.get("seed") is not None]
    assert len(replicates) == 8
    files = set()
    for row in replicates:
        of = ("--trial", row["number"], "--branch", row["branch"], "--seed", row["seed"])
        said = shown(forked, *of)
        assert (said["config"]["seed"], said["config"]["method"]["mc_samples"]) == (
            row["seed"],
            int(row["branch"].removeprefix("mc_samples=")),
        )
        assert said["metrics"]["val_loss"] == row["metrics"]["val_loss"]
        assert said["config"]["method"]["sparsity"] == row["config"]["method"]["sparsity"]
        files.add(said["ticket"])
    assert files == set(map(str, (forked / "mlruns" / "artifacts").rglob(TICKET)))


@pytest.mark.slow
def test_it_is_evaluated_where_it_lies(forked: Path) -> None:
    options = ("--trial", 1, "--branch", "mc_samples=5", "--seed", 1)
    done = process("ticket", "eval", "small", "--root", forked, "--json", *options)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["found"] == said["recorded"]
    result = call("ticket", "eval", "small", "--root", forked, *options, "--mc-samples", 20)
    assert (result.exit_code, "with mc_samples 20 instead of 5: other" in result.stdout) == (0, True)


def process(*words: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sparsetune", *map(str, words)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


def test_a_study_ends_with_the_command(forked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = (forked / "said").read_text()
    best = json.loads(call("best", "small", "--json", "--root", forked).stdout)[0]
    found = re.search(r"^Its ticket:           .*?(ticket show .*)$", said, re.MULTILINE)
    assert found is not None
    words = shlex.split(found[1])
    chosen = ["--trial", str(best["number"]), "--branch", best["branch"], "--seed", "0"]
    assert words[:-2] == ["ticket", "show", "small", *chosen]
    assert words[-2] == "--root"  # the study was started elsewhere
    assert call(*words).exit_code == 0
    monkeypatch.chdir(forked)
    assert call(*words[:-2]).exit_code == 0


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ((), "--trial: missing: which trial of study 'small'"),
        (("--trial", 9), "--trial: found 9, allowed: 0 to 1"),
        (("--trial", 0), "--branch: trial 0 has several; allowed: mc_samples=1, mc_samples=5"),
        (("--trial", 0, "--branch", "x"), "--branch: unknown branch 'x' (allowed: mc_samples=1, mc_samples=5)"),
        (("--trial", 0, "--branch", "mc_samples=5"), "--seed: trial 0 has several runs; allowed: 0, 1"),
        (("--trial", 0, "--branch", "mc_samples=5", "--seed", 7), "--seed: found 7, allowed: 0, 1"),
        (("--branch", "x"), "--branch: found 'x': without --trial, which it belongs to"),
        (("--seed", 0), "--seed: found 0: without --trial, which it belongs to"),
        (("--uri", "sqlite:///x"), "--uri: found 'sqlite:///x': without --trial, which it belongs to"),
        (("--trial", 0, "--uri", "nonsense"), "--uri: found 'nonsense', allowed: a URI that starts with"),
    ],
)
def test_a_choice_that_is_missing_or_wrong(forked: Path, options: tuple[Any, ...], line: str) -> None:
    assert refused(forked, *options).startswith(line)


def test_what_is_no_study(forked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "unknown study 'smal'; did you mean 'small'?" in refused(forked, "--trial", 0, name="smal")
    assert refused(forked, name="nothing") == "nothing: no such file or study"
    monkeypatch.chdir(tmp_path)  # no project
    result = call("ticket", "show", "nothing")
    assert (result.exit_code, result.stderr) == (2, "error: nothing: no such file or study\n")


def test_a_method_that_trains_weights(tmp_path: Path) -> None:
    said = ran(tmp_path, method="dense", space={"training.lr": {"float": [0.01, 0.1]}})
    assert "Its ticket" not in said
    assert refused(tmp_path, "--trial", 0) == "trial 0 of study 'small' has no ticket: 'dense' trains weights"


def test_a_trial_that_failed_and_one_that_was_cut_short(tmp_path: Path) -> None:
    """The one keeps nothing of its second layer; the other was begun by a driver that died."""
    import optuna

    ran(
        tmp_path,
        method={**SLT, "scope": "global"},
        space={"method.sparsity": {"choice": [0.999]}},
        budget={"trials": 1},
    )
    failed = refused(tmp_path, "--trial", 0)
    assert failed.startswith("trial 0 of study 'small' has no ticket: it failed: layer_collapse: no weight of ")
    config = shown_config(tmp_path)
    study = optuna.load_study(study_name="small", storage=Project(tmp_path).storage_url)
    study.ask().set_user_attr("config", config)
    assert refused(tmp_path, "--trial", 1) == "trial 1 of study 'small' has no ticket yet: it has not ended"


def shown_config(root: Path) -> Any:
    return json.loads(call("export", "small", "--json", "--root", root).stdout)[0]["config"]


def test_a_trial_with_the_results_of_another(tmp_path: Path) -> None:
    ran(tmp_path, space={"method.sparsity": {"choice": [0.5]}})
    assert shown(tmp_path, "--trial", 0)["sparsity"] == 0.5
    line = "trial 1 of study 'small' has no ticket of its own: its results are those of trial 0"
    assert refused(tmp_path, "--trial", 1) == line


def test_a_best_trial_that_was_taken_over(tmp_path: Path) -> None:
    """No command is offered for a ticket that it does not have."""
    space = {"method.sparsity": {"choice": [0.5]}}
    assert "Its ticket" in ran(tmp_path, "--set", "study=first", space=space, budget={"trials": 1})
    assert "Its ticket" not in ran(tmp_path, space=space, budget={"trials": 1}, start_with=[{"all_of": "first"}])
    line = "trial 0 of study 'small' has no ticket of its own: its results are those of trial 0 of first"
    assert refused(tmp_path, "--trial", 0) == line


def test_a_storage_and_a_store_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of the study says both."""
    storage, uri = f"sqlite:///{tmp_path}/other.db", f"sqlite:///{tmp_path}/other_mlflow.db"
    said = ran(tmp_path, storage=storage, tracking={"uri": uri})
    line = next(line for line in said.splitlines() if line.startswith("Its ticket:"))
    words = shlex.split(line.partition(" ticket ")[2])
    assert words[-6:-1] == ["--uri", uri, "--storage", storage, "--root"]
    assert call("ticket", *words).exit_code == 0
    words = words[:-2]
    monkeypatch.chdir("/")  # where no project is, both URIs are enough
    assert call("ticket", *words).exit_code == 0
    nothing = refused(tmp_path, "--trial", 0, "--storage", storage)
    assert nothing == f"{Project(tmp_path).runs / 'mlflow.db'}: nothing is recorded there"
    assert not (Project(tmp_path).runs / "mlflow.db").exists()


def test_what_was_deleted(tmp_path: Path) -> None:
    ran(tmp_path)
    uri = Project(tmp_path).tracking_uri
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("small")
    assert experiment is not None
    runs = {run.data.tags.get("sparsetune.trial"): run.info for run in client.search_runs([experiment.experiment_id])}
    client.delete_run(runs["0"].run_id)
    problem = "has no run of trial 0 of study 'small': it was deleted there, or was not sent yet"
    assert refused(tmp_path, "--trial", 0) == f"MLflow at {uri} {problem}"
    file = Path(shown(tmp_path, "--trial", 1)["ticket"])
    for each in file.parent.iterdir():
        each.unlink()
    assert refused(tmp_path, "--trial", 1) == "trial 1 of study 'small' has no ticket: its files are gone"


def test_what_was_not_sent_yet(tmp_path: Path) -> None:
    """The tracking server was away until the study ended: the files still lie with the study."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        away = f"http://127.0.0.1:{free.getsockname()[1]}"
    said = ran(tmp_path, tracking={"uri": away})
    assert "Its ticket" in said
    for row in json.loads(call("export", "small", "--json", "--root", tmp_path).stdout):
        found = shown(tmp_path, "--trial", row["number"], "--uri", away)
        assert found["config"]["method"]["sparsity"] == row["config"]["method"]["sparsity"]
        assert found["ticket"] == f"small trial {row['number']}"
    assert call("ticket", "eval", "small", "--trial", 1, "--root", tmp_path, "--uri", away).exit_code == 0


@pytest.mark.slow
def test_studies_of_one_name(tmp_path: Path) -> None:
    """They differ in their storages; all their runs are in one experiment."""
    old = tmp_path / "old.db"
    ran(tmp_path, seed=1)
    (Project(tmp_path).runs / "studies.db").rename(old)
    ran(tmp_path, seed=2)
    assert len(list((tmp_path / "mlruns" / "artifacts").rglob(TICKET))) == 4
    drawn = set()
    for of in ((), ("--storage", f"sqlite:///{old}")):
        for row in json.loads(call("export", "small", "--json", "--root", tmp_path, *of).stdout):
            said = shown(tmp_path, "--trial", row["number"], *of)
            assert said["config"]["method"]["sparsity"] == row["config"]["method"]["sparsity"]
            drawn.add(row["config"]["method"]["sparsity"])
    assert len(drawn) == 4


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A tracking server that has the artifacts."""
    with mlflow_server(tmp_path / "server", "--artifacts-destination", str(tmp_path / "server" / "files")) as uri:
        yield uri


@pytest.mark.slow
def test_of_a_server_a_copy_is_taken(tmp_path: Path, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    ran(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    said = shown(tmp_path, "--trial", 1)
    assert said["ticket"] == "small trial 1"
    (file,) = [
        each
        for each in (tmp_path / "server" / "files").rglob(TICKET)
        if read_ticket(each).about.metrics == said["metrics"]
    ]
    assert said["bytes"] == file.stat().st_size
    assert call("ticket", "eval", "small", "--trial", 1, "--root", tmp_path).exit_code == 0
    file.write_bytes(file.read_bytes()[:-8])
    assert refused(tmp_path, "--trial", 1).startswith("small trial 1: is damaged or cut off")
    assert list(temporary.iterdir()) == [], "no copy stays"


def test_its_study_knows_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ticket holds no paths; the study's config does, relative to its project."""
    (tmp_path / "data").mkdir()
    rows = [f"{index % 7},{'yes' if index % 7 > 3 else 'no'}\n" for index in range(60)]
    (tmp_path / "data" / "table.csv").write_text("".join(["a,y\n", *rows]))
    data = {"name": "tabular", "path": "data/table.csv", "target": "y"}
    brief, space = {"epochs": 1, "batch_size": 8}, {"method.sparsity": {"float": [0.2, 0.4]}}
    ran(tmp_path, data=data, model={"name": "mlp", "hidden": [32]}, training=brief, space=space)
    assert call("ticket", "eval", "small", "--trial", 1, "--root", tmp_path).exit_code == 0
    monkeypatch.chdir(tmp_path / "data")
    assert call("ticket", "eval", "small", "--trial", 0).exit_code == 0
    artifact = next((tmp_path / "mlruns").rglob(TICKET))
    assert call("ticket", "eval", artifact).exit_code == 0


@pytest.mark.slow
def test_one_that_mlflow_did_not_take_is_found_where_it_lies(tmp_path: Path) -> None:
    """With the project, and by what its run says without."""
    (tmp_path / "mlruns").mkdir()
    uri, storage = Project(tmp_path).tracking_uri, Project(tmp_path).storage_url
    MlflowClient(uri).create_experiment("small", "s3://bucket/x")
    ran(tmp_path)
    folder = next((tmp_path / "mlruns" / "checkpoints").iterdir())
    assert {path.name for path in folder.iterdir()} >= {"00000", "00001", "study"}
    assert (folder / "study" / "trials.csv").read_text().count("\n") == 3
    known = shown(tmp_path, "--trial", 1)
    outside = call("ticket", "show", "small", "--trial", 1, "--json", "--uri", uri, "--storage", storage)
    assert outside.exit_code == 0, outside.stderr
    assert json.loads(outside.stdout)["config"] == known["config"]
    moved = folder.rename(folder.with_name("gone"))
    assert str(folder / "00001") in refused(tmp_path, "--trial", 1)
    moved.rename(folder)

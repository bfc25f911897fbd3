"""Projects in folders whose names mean something to URLs, templates, shells, patterns or terminals."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlflow import MlflowClient
from sqlalchemy.engine import make_url
from typer.testing import CliRunner, Result

from sparsetune.base.errors import BadInput
from sparsetune.base.paths import Project, cache_root
from sparsetune.base.stores.sqlite import instead, reading, sqlite_path, sqlite_url
from sparsetune.cli import app
from sparsetune.search.lock import lock_of
from sparsetune.search.storage import exists, open_storage, study_names
from sparsetune.testing.studies import write_study
from sparsetune.tracking.client import connected, create_experiment
from sparsetune.tracking.library import fetch, names_of_files, upload
from sparsetune.tracking.store import check_writable, create_once
from sparsetune.tracking.ui import absolute, environment

NAMES = [
    "w?", "a%20b", "50% #1 {a}?", "{v1}", "${HOME}", "ü 中", "x;y&uri=true", "q\"'`", "n\nl\x1b[31m", "-rf", "[x]*",
    "a@b:c", ":memory:", "c\\d %2e%2e",
]  # fmt: skip


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's tables, which take seconds to make."""
    path = tmp_path_factory.mktemp("tables?") / "mlflow.db"
    create_once(path, connected)
    assert sorted(path.parent.iterdir()) == [path]
    return path


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_optuna_and_mlflow_write_below_the_project_alone(name: str, tmp_path: Path, empty_store: Path) -> None:
    root = tmp_path / "above" / name
    project = Project(root)
    project.runs.mkdir(parents=True)
    storage = open_storage(project.storage_url)
    optuna.create_study(study_name="s", storage=storage).optimize(lambda trial: trial.suggest_float("x", 0, 1), 1)
    shutil.copyfile(empty_store, project.runs / "mlflow.db")
    uri, left = project.tracking_uri, tmp_path / "left.txt"
    left.write_text("left")
    client = connected(uri)
    run = client.create_run(create_experiment(client, uri, "e", project.artifacts).experiment_id)
    upload(uri, run.info.artifact_uri, {"left.txt": left})
    assert names_of_files(uri, run.info.artifact_uri) == ("left.txt",)
    found = fetch(uri, run.info.artifact_uri, "left.txt", tmp_path)
    assert found == project.artifacts / "e" / run.info.run_id / "artifacts" / "left.txt"
    assert found.read_text() == "left"

    assert names(tmp_path / "above") == [name]
    assert names(project.runs) == ["artifacts", "mlflow.db", "studies.db"]
    with reading(project.runs / "studies.db") as connection:
        assert connection.execute("SELECT COUNT(*) FROM trials").fetchone() == (1,)
    with reading(project.runs / "mlflow.db") as connection:
        assert connection.execute("SELECT COUNT(*) FROM runs").fetchone() == (1,)
    check_writable(project.runs / "mlflow.db")
    assert study_names(project.storage_url) == ["s"]  # by Optuna
    assert optuna.load_study(study_name="s", storage=project.storage_url).trials
    assert MlflowClient(environment(absolute(uri))["MLFLOW_BACKEND_STORE_URI"]).get_run(run.info.run_id)
    assert lock_of(project.storage_url, project.runs, "s") == project.runs / "locks" / "s.lock"
    assert names(tmp_path / "above") == [name]


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
def test_a_url_means_its_path_to_all_who_read_it(name: str) -> None:
    path = Path("/above") / name
    url = sqlite_url(path)
    assert sqlite_path(url) == path
    assert make_url(url).database == str(path)
    assert not make_url(url).query
    assert url.format() == url  # Optuna


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///x.db",
        "sqlite:///a/x.db",
        "sqlite:////a/x.db?timeout=5",
        "sqlite:///x.db?timeout=5&check_same_thread=false",
        "sqlite:///a%20b/w%3F.db?timeout=5",
        "sqlite:///a b/ü.db",
        "sqlite:////a/b@c:d.db",
        "sqlite:////a/#1.db",
        "sqlite+pysqlite:////a/x.db",
        "sqlite:////a/:memory:/x.db",
        "sqlite:///50%.db",
    ],
)
def test_a_url_that_a_user_wrote_is_read_as_sqlalchemy_does(url: str) -> None:
    assert instead(url) == ""
    assert sqlite_path(url) == Path(str(make_url(url).database))


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("sqlite://", "a file that lasts, such as sqlite:///studies.db"),
        ("sqlite:///", "a file that lasts, such as sqlite:///studies.db"),
        ("sqlite:///:memory:", "a file that lasts, such as sqlite:///studies.db"),
        ("sqlite:///?timeout=5", "a file that lasts, such as sqlite:///studies.db"),
        ("sqlite:x.db", "a file that lasts, such as sqlite:///studies.db"),
        ("sqlite:///w?/x.db", "sqlite:///w%3F/x.db: a question mark in a file's name is written %3F"),
        ("sqlite:///x?.db", "sqlite:///x%3F.db: a question mark in a file's name is written %3F"),
        ("sqlite:///file:x.db?uri=true&mode=memory", "the file's path, such as sqlite:///studies.db"),
        ("sqlite:///file::memory:", "the file's path, such as sqlite:///studies.db"),
    ],
)
def test_a_url_of_no_lasting_file_is_refused(url: str, allowed: str, tmp_path: Path) -> None:
    done = call("study", write_study(tmp_path, storage=url), "--in-process")
    assert done.exit_code == 2
    assert done.stderr.endswith(f"storage: found '{url}', allowed: {allowed}\n")
    with pytest.raises(BadInput, match="allowed"):
        open_storage(url)


def test_a_storage_whose_folder_has_braces_and_options(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/{{v1}}/a%20b.db?timeout=5"
    (tmp_path / "{v1}").mkdir()
    assert not exists(url)
    optuna.create_study(study_name="s", storage=open_storage(url))
    assert [each.name for each in (tmp_path / "{v1}").iterdir()] == ["a b.db"]
    assert exists(url)
    assert study_names(url) == ["s"]


def call(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


BAD = os.fsdecode(b"p\xff")  # latin-1, say


@pytest.mark.parametrize(
    "command",
    [
        lambda root: call("study", root / BAD / "studies" / "small.yaml"),
        lambda root: call("study", root / "studies" / f"{BAD}.yaml"),
        lambda root: call("run", root / "studies" / f"{BAD}.yaml"),
        lambda root: call("run", root / "studies" / "small.yaml", "-o", root / BAD / "out"),
        lambda root: call("status", "--root", root / BAD),
        lambda root: call("best", "small", "--root", root / BAD),
        lambda root: call("export", BAD, "--root", root),
        lambda root: call("status", "--storage", f"sqlite:///{BAD}.db"),
        lambda root: call("ui", "--root", root / BAD),
        lambda root: call("ticket", "show", root / BAD),
        lambda root: call("data", "check", "folder", "--set", f"train_dir={BAD}", "--root", root),
        lambda root: call("data", "check", "mnist", "--dir", root / BAD),
        lambda root: call("init", root / BAD / "new"),
        lambda root: call("methods", "--import", root / f"{BAD}.py"),
        lambda root: call("study", root / "studies" / "small.yaml", "--set", f"study={BAD}"),
    ],
)
def test_a_path_that_is_not_utf8_is_one_line(command: Callable[[Path], Result], tmp_path: Path) -> None:
    write_study(tmp_path)
    write_study(tmp_path / BAD)
    shutil.copy(tmp_path / "studies" / "small.yaml", tmp_path / "studies" / f"{BAD}.yaml")
    held = sorted(tmp_path.rglob("*"))
    done = command(tmp_path)
    assert done.exit_code == 2, done.output
    assert done.stderr.count("\n") == 1
    assert r"p\xff" in done.stderr
    assert "allowed: a path in UTF-8" in done.stderr
    assert sorted(tmp_path.rglob("*")) == held


@pytest.mark.parametrize(
    "words", [("status",), ("study", "studies/small.yaml"), ("init", "."), ("init", "new"), ("ui",)]
)
def test_in_a_folder_that_is_not_utf8(words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_study(tmp_path / BAD)
    monkeypatch.chdir(tmp_path / BAD)
    done = call(*words)
    assert done.exit_code == 2, done.output
    file = "studies/small.yaml: " if words[0] == "study" else ""
    assert done.stderr.startswith(f"error: {file}found '{tmp_path}/p\\xff")


def test_a_cache_that_is_not_utf8_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARSETUNE_CACHE", f"/tmp/{BAD}")
    with pytest.raises(BadInput, match=r"SPARSETUNE_CACHE: found '/tmp/p\\xff', allowed: a path in UTF-8"):
        cache_root()

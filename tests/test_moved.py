"""A project that was moved or copied: its files are its own, wherever it lies."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

import sparsetune
from sparsetune.app.ended import kept_ticket
from sparsetune.app.parts import at_home
from sparsetune.app.study import load, run_study
from sparsetune.base.errors import BadInput
from sparsetune.base.paths import Project
from sparsetune.base.stores.former import RECORD, Former, former_places, note_place
from sparsetune.doctor.stores import mlflow_store
from sparsetune.search.lock import hold, refuse_double
from sparsetune.testing.studies import write_study
from sparsetune.tracking.client import connected
from sparsetune.tracking.tables import Home, bring_home, strays

SLT = {
    "method": "slt",
    "space": {"method.sparsity": {"float": [0.3, 0.7]}},
    "objectives": [{"metric": "val_accuracy", "goal": "maximize"}],
    "training": {"epochs": 1},
    "model": {"name": "mlp", "hidden": [8]},
    "budget": {"trials": 1},
}

INSERT = (
    "INSERT INTO experiments (name, artifact_location, lifecycle_stage, workspace) VALUES (?, ?, 'active', 'default')"
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a study of one trial, which has left a ticket."""
    root = tmp_path_factory.mktemp("made") / "the first place"
    sparsetune.run(write_study(root, **SLT), in_process=True, progress=False)
    return root


@pytest.fixture(autouse=True)
def _own_tracking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture
def moved(finished: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Where a project lay, and where it lies."""
    before, after = tmp_path / "before?", tmp_path / "after %20"
    shutil.copytree(finished, after)
    shift(after, finished, before)
    return before, after


def shift(root: Path, from_: Path, to: Path) -> None:
    """Make a copy look as if it had been made at another place."""
    bring_home(Project(root).tracking_uri, Home.of(root / "mlruns", Project(root).tracking_uri), None)
    with closing(sqlite3.connect(root / "mlruns" / "mlflow.db")) as store:
        for table, column in (("experiments", "artifact_location"), ("runs", "artifact_uri")):
            change = f"UPDATE {table} SET {column} = replace({column}, ?, ?)"
            store.execute(change, (root.as_uri() + "/mlruns", to.as_uri() + "/mlruns"))
        store.commit()
    (root / "mlruns" / RECORD).write_text(json.dumps({"noted": [str(to / "mlruns")], "guessed": []}))


def places(root: Path, name: str = "small") -> set[str]:
    """All that MLflow says of where files of a study lie."""
    client = connected(Project(root).tracking_uri)
    experiment = client.get_experiment_by_name(name)
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    return {experiment.artifact_location, *(run.info.artifact_uri for run in runs)}


def go_on(root: Path, trials: int = 2, **how: object) -> None:
    sparsetune.run(root / "studies" / "small.yaml", trials=trials, in_process=True, progress=False, **how)  # type: ignore[arg-type]


def ticket(root: Path, folder: Path, number: int = 0) -> Path:
    project = Project(root)
    result = sparsetune.load("small", root=root)
    return kept_ticket(result, number, "", None, project.tracking_uri, project, folder)


def test_a_moved_study_goes_on_where_it_lies(moved: tuple[Path, Path], tmp_path: Path) -> None:
    """Its tickets are there before it is started, new files come to it, and the old place stays away."""
    before, after = moved
    assert ticket(after, tmp_path).is_relative_to(after)  # only read so far
    assert str(before) in [finding.found for finding in mlflow_store(Project(after))][1]
    go_on(after)
    assert not before.exists()
    assert all(place.startswith(f"{after.as_uri()}/mlruns/artifacts/small") for place in places(after))
    assert ticket(after, tmp_path, 1).is_relative_to(after)
    assert [finding.state for finding in mlflow_store(Project(after))] == ["ok"]


@pytest.mark.slow
def test_a_copy_goes_on_apart_from_its_original(moved: tuple[Path, Path], tmp_path: Path) -> None:
    _, original = moved
    uri = Project(original).tracking_uri
    note_place(original / "mlruns", ())
    bring_home(uri, Home.of(original / "mlruns", uri), None)
    copy = tmp_path / "copy"
    shutil.copytree(original, copy)
    (copy / ticket(original, tmp_path).relative_to(original)).write_bytes(b"of the copy")
    assert ticket(copy, tmp_path).read_bytes() == b"of the copy"
    held = {path: path.read_bytes() for path in original.rglob("*") if path.is_file()}
    go_on(copy)
    assert all(place.startswith(copy.as_uri()) for place in places(copy))
    assert ticket(copy, tmp_path, 1).is_relative_to(copy)
    assert {path: path.read_bytes() for path in original.rglob("*") if path.is_file()} == held


def test_a_copy_whose_trials_would_pass_for_its_originals_is_refused(moved: tuple[Path, Path], tmp_path: Path) -> None:
    """Both would send trial 1 to one store; what lies in the projects is not shared."""
    _, original = moved
    note_place(original / "mlruns", ())
    copy, uri = tmp_path / "copy", f"sqlite:///{tmp_path}/shared.db"
    shutil.copytree(original, copy)
    study = load(copy / "studies" / "small.yaml", {"tracking.uri": uri})
    with pytest.raises(BadInput, match=r"this project is a copy of .*after %20, whose study 'small' is kept in the s"):
        run_study(study, workers=None, in_process=True, console=Console(quiet=True))
    assert not (tmp_path / "shared.db").exists()
    refuse_double(study, Project(copy).tracking_uri)
    refuse_double(load(copy / "studies" / "small.yaml", {"study": "another"}), uri)
    refuse_double(load(original / "studies" / "small.yaml"), uri)
    shutil.rmtree(original)
    refuse_double(study, uri)  # moved


@pytest.mark.slow
def test_a_project_of_an_earlier_version(moved: tuple[Path, Path], tmp_path: Path) -> None:
    """It noted no places: its tables say where it lay. Files that have gone on going there are read there."""
    before, after = moved
    (after / "mlruns" / RECORD).unlink()
    found = ticket(after, tmp_path)
    assert found.is_relative_to(after)
    there = before / found.relative_to(after)
    there.parent.mkdir(parents=True)
    found.rename(there)
    found.parent.rename(found.parent.with_name("away"))
    assert ticket(after, tmp_path) == there
    go_on(after)
    assert ticket(after, tmp_path) == there
    assert ticket(after, tmp_path, 1).is_relative_to(after)
    assert former_places(after / "mlruns") == Former((), (before / "mlruns",))


def test_what_lies_elsewhere_stays(moved: tuple[Path, Path]) -> None:
    """Rows of S3, of other projects, of folders whose names begin alike."""
    before, after = moved
    uri, home = Project(after).tracking_uri, Home.of(after / "mlruns", Project(after).tracking_uri)
    kept = [
        "s3://bucket/mlruns/artifacts/x",
        "dbfs:/a/mlruns",
        "mlflow-artifacts:/1",
        "file:///another/mlruns/artifacts/small",
        f"{before.as_uri()}/mlruns2/x",
        f"{before.as_uri().upper()}/mlruns/x",
        f"{before}x/mlruns/1",
        f"/x{before}/mlruns/1",
        "",
        "./mlruns/0",
    ]
    with closing(sqlite3.connect(after / "mlruns" / "mlflow.db")) as store:
        store.executemany(INSERT, [(f"kept {number}", place) for number, place in enumerate(kept)])
        store.execute(INSERT, ("mended", f"{before}/mlruns/7"))
        store.commit()
        assert strays(uri, home) == 4  # the study's and its two runs', and the plain path
        assert bring_home(uri, home, None) == 4
        assert strays(uri, home) == bring_home(uri, home, None) == 0
        query = "SELECT artifact_location FROM experiments WHERE name LIKE ? ORDER BY experiment_id"
        assert [place for (place,) in store.execute(query, ("kept %",))] == kept
        assert store.execute(query, ("mended",)).fetchone() == (f"{after}/mlruns/7",)


def test_a_server_keeps_its_places(moved: tuple[Path, Path]) -> None:
    """What it says of files that it has not taken is of this project all the same."""
    before, after = moved
    home = Home.of(after / "mlruns", "https://host")
    assert home.now(f"{before}/mlruns/checkpoints/x") == f"{after}/mlruns/checkpoints/x"
    assert home.now("mlflow-artifacts:/1/x") == "mlflow-artifacts:/1/x"
    assert bring_home("https://host", home, "1") == 0


def test_while_others_work_there_only_ones_own_is_changed(moved: tuple[Path, Path]) -> None:
    """They may see the project at another path, in a container or on another machine."""
    before, after = moved
    with closing(sqlite3.connect(after / "mlruns" / "mlflow.db")) as store:
        store.execute(INSERT, ("theirs", f"{before.as_uri()}/mlruns/artifacts/theirs"))
        store.commit()
    project, lock = Project(after), after / "mlruns" / "locks" / "small.lock"
    uri, small = project.tracking_uri, connected(project.tracking_uri).get_experiment_by_name("small")
    with hold(after / "mlruns" / "locks" / "theirs.lock", "theirs"), hold(lock, "small"):
        assert bring_home(uri, at_home(project, uri, lock), small.experiment_id) == 3
        assert places(after, "theirs") == {f"{before.as_uri()}/mlruns/artifacts/theirs"}
        assert all(place.startswith(after.as_uri()) for place in places(after))
    with hold(lock, "small"):
        assert bring_home(uri, at_home(project, uri, lock), small.experiment_id) == 1
    assert places(after, "theirs") == {f"{after.as_uri()}/mlruns/artifacts/theirs"}


def test_places_that_are_one_are_no_move(tmp_path: Path) -> None:
    """A link; and back again: no place is both former and present."""
    runs, link = tmp_path / "p" / "mlruns", tmp_path / "link"
    runs.mkdir(parents=True)
    link.symlink_to(tmp_path / "p")
    assert former_places(runs) is None
    note_place(runs, ())
    note_place(link / "mlruns", ())
    seen = former_places(runs), former_places(link / "mlruns")
    assert [each and each.all for each in seen] == [(), ()]
    moved = tmp_path / "q"
    shutil.move(tmp_path / "p", moved)
    found = former_places(moved / "mlruns")
    assert found is not None
    assert set(found.noted) == {runs, link / "mlruns"}
    note_place(moved / "mlruns", ())
    shutil.move(moved, tmp_path / "p")
    note_place(runs, ())
    found = former_places(runs)
    assert found is not None
    assert found.noted == (moved / "mlruns",)
    (runs / RECORD).write_text("{")
    assert former_places(runs) is None


def test_versions_of_registered_models_follow(moved: tuple[Path, Path]) -> None:
    """While others work there, those of one's own runs alone."""
    before, after = moved
    uri, lock = Project(after).tracking_uri, after / "mlruns" / "locks" / "small.lock"
    client = connected(uri)
    small = client.get_experiment_by_name("small")
    run = client.search_runs([small.experiment_id])[0].info.run_id
    client.create_registered_model("digits")
    for source, of in ((f"{before.as_uri()}/mlruns/m", run), (f"{before.as_uri()}/mlruns/n", "0"), ("s3://m", run)):
        client.create_model_version("digits", source, of)
    home = at_home(Project(after), uri, lock)
    assert bring_home(uri, replace(home, shared=True), small.experiment_id) == 5  # of the version both columns
    assert client.get_model_version("digits", "1").source == f"{after.as_uri()}/mlruns/m"
    assert client.get_model_version_download_uri("digits", "1") == f"{after.as_uri()}/mlruns/m"
    assert client.get_model_version("digits", "2").source == f"{before.as_uri()}/mlruns/n"
    assert bring_home(uri, home, small.experiment_id) == 2
    assert client.get_model_version_download_uri("digits", "2") == f"{after.as_uri()}/mlruns/n"
    assert client.get_model_version("digits", "3").source == "s3://m"

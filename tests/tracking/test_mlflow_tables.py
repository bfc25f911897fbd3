"""MLflow's tables, for the version for which the SQL was written; they are made once on a machine, and copied."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import mlflow
import pytest

from sparsetune.base.paths import CACHE
from sparsetune.base.stores.sqlite import sqlite_url
from sparsetune.tracking.client import connected
from sparsetune.tracking.tables import PLACES, VERSION, is_blank, kept_tables, stage_of, write_tables


@pytest.fixture(scope="module")
def by_mlflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("made") / "mlflow.db"
    connected(sqlite_url(path))
    return path


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where an empty cache will keep the tables."""
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    found = kept_tables()
    assert found is not None
    return found


@pytest.fixture
def create(by_mlflow: Path) -> tuple[Callable[[str], object], list[str]]:
    """What stands for MLflow, and the URIs that it was asked for."""
    asked: list[str] = []

    def copy(uri: str) -> None:
        asked.append(uri)
        shutil.copyfile(by_mlflow, uri.removeprefix("sqlite:///"))

    return copy, asked


Create = tuple[Callable[[str], object], list[str]]


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def test_the_version_whose_tables_these_are(by_mlflow: Path) -> None:
    """After a new version of MLflow: look for new columns with paths of files, and at what these tests say of it."""
    assert mlflow.__version__.rpartition(".")[0] == VERSION
    for table, place, owner in PLACES:
        assert rows(by_mlflow, f"SELECT {place}, {owner} FROM {table} WHERE {place} = ''") == []
    stage = stage_of(by_mlflow, "Default", None)
    assert stage is not None
    assert stage.stage == "active"


@pytest.mark.slow
def test_the_second_is_a_copy_and_what_mlflow_would_make(
    kept: Path, create: Create, tmp_path: Path, by_mlflow: Path
) -> None:
    made, asked = create
    for name in ("first.db", "second.db"):
        write_tables(tmp_path / name, made)
    assert asked == [sqlite_url(tmp_path / "first.db")]
    assert list(kept.parent.iterdir()) == [kept]
    schema = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name"
    assert rows(tmp_path / "second.db", schema) == rows(by_mlflow, schema)
    tables = [str(name) for (name,) in rows(by_mlflow, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    different = [name for name in tables if rows(tmp_path / "second.db", f"SELECT * FROM {name}") != rows(
        by_mlflow, f"SELECT * FROM {name}")]  # fmt: skip
    assert different == ["experiments"]


def test_the_default_experiment_belongs_to_who_opens_it(
    kept: Path, create: Create, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tables(tmp_path / "first.db", create[0])
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "there")
    write_tables(tmp_path / "second.db", create[0])
    experiment = connected(sqlite_url(tmp_path / "second.db")).get_experiment("0")
    assert experiment.name == "Default"
    assert str(tmp_path / "there") in experiment.artifact_location


def older(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = 'nobodys'")


def used(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO experiments (name, lifecycle_stage, workspace) VALUES ('x', 'active', 'default')"
        )


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b"no database"),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:5000]),
        older,
        used,
    ],
    ids=["text", "empty", "cut", "older", "used"],
)
def test_what_is_spoilt_in_the_cache_is_made_again(
    kept: Path, create: Create, tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    made, asked = create
    write_tables(tmp_path / "first.db", made)
    spoil(kept)
    assert not is_blank(kept)
    write_tables(tmp_path / "second.db", made)
    assert len(asked) == 2
    assert is_blank(kept)
    assert (tmp_path / "second.db").read_bytes() == (tmp_path / "first.db").read_bytes()


def test_a_cache_that_takes_nothing(create: Create, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(CACHE, str(tmp_path / "file" / "cache"))
    for name in ("first.db", "second.db"):
        write_tables(tmp_path / name, create[0])
        assert (tmp_path / name).stat().st_size > 0
    assert len(create[1]) == 2


@pytest.mark.parametrize("name", ["/tmp/\udcff", "~nobody-of-that-name/cache"])
def test_a_cache_that_cannot_be(name: str, create: Create, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE, name)
    assert kept_tables() is None
    write_tables(tmp_path / "first.db", create[0])
    assert len(create[1]) == 1

"""The doctor at the two databases: real files, in each state that they can be found in; never a trace left."""

from __future__ import annotations

import importlib.util
import sqlite3
from contextlib import closing
from pathlib import Path

import optuna
import pytest
from alembic.script import ScriptDirectory
from helpers.killed_writer import leave_half_a_transaction

from sparsetune.base.stores.sqlite import reading
from sparsetune.base.stores.tables import MLFLOW, OPTUNA, Tables, migrations, parse
from sparsetune.doctor.finding import Finding
from sparsetune.doctor.stores import file_finding as finding_of
from sparsetune.search.storage import open_storage


def file_finding(path: Path, tables: Tables) -> Finding:
    return finding_of(path, "store", tables)


def content(path: Path) -> dict[str, bytes]:
    """The database and all beside it, but for the marks of readers in a log's index."""
    return {each.name: each.read_bytes() for each in path.parent.iterdir() if not each.name.endswith("-shm")}


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    path = tmp_path / "studies.db"
    study = optuna.create_study(study_name="a", storage=open_storage(f"sqlite:///{path}"))
    study.add_trial(optuna.trial.create_trial(value=1.0))
    return path


def schema(path: Path, tables: Tables, revision: str) -> Path:
    """A file with that schema, and no rows."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for table in ("alembic_version (version_num)", *(f"{name} (x)" for name in tables.counted)):
            connection.execute(f"CREATE TABLE {table}")
        connection.execute("INSERT INTO alembic_version VALUES (?)", (revision,))
    return path


def test_a_storage_in_use(storage: Path) -> None:
    finding = file_finding(storage, OPTUNA)
    assert finding.state == "ok"
    assert all(words in finding.found for words in ("studies.db", "studies: 1, trials: 1", "schema v")), finding


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_it_leaves_no_trace(mode: str, storage: Path) -> None:
    with closing(sqlite3.connect(storage)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
        connection.execute("CREATE TABLE more (x)")
        connection.commit()
        before = content(storage)
        assert file_finding(storage, OPTUNA).state == "ok"
        assert content(storage) == before
    before = content(storage)
    assert list(before) == ["studies.db"]
    assert file_finding(storage, OPTUNA).state == "ok"
    assert content(storage) == before


def test_reading_refuses_to_write_and_to_make(storage: Path, tmp_path: Path) -> None:
    with reading(storage) as connection, pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("CREATE TABLE more (x)")
    with pytest.raises(sqlite3.OperationalError), reading(tmp_path / "none.db"):
        pass
    assert not (tmp_path / "none.db").exists()


def test_a_writer_that_was_killed(storage: Path) -> None:
    leave_half_a_transaction(storage)
    assert (storage.parent / "studies.db-journal").exists()
    before = content(storage)
    finding = file_finding(storage, OPTUNA)
    assert (finding.state, "killed in the middle of a write" in finding.found) == ("note", True), finding
    assert content(storage) == before
    assert optuna.load_study(study_name="a", storage=f"sqlite:///{storage}").trials  # a study mends it
    assert file_finding(storage, OPTUNA).state == "ok"


def test_a_database_that_is_locked(storage: Path) -> None:
    with closing(sqlite3.connect(storage, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        finding = file_finding(storage, OPTUNA)
    assert (finding.state, "locked by another process" in finding.found) == ("note", True), finding


def test_files_that_are_none_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    assert (file_finding(path, OPTUNA).state, path.exists()) == ("ok", False)
    path.touch()
    assert file_finding(path, OPTUNA).state == "note"
    path.write_bytes(b"hello" * 1000)
    assert (file_finding(path, OPTUNA).state, "not a database" in file_finding(path, OPTUNA).found) == ("problem", True)
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE mine (x)")
    assert (file_finding(path, OPTUNA).state, "not optuna's" in file_finding(path, OPTUNA).found) == ("problem", True)
    path.unlink()
    path.mkdir()
    assert file_finding(path, OPTUNA).state == "problem"


@pytest.mark.parametrize("tables", [OPTUNA, MLFLOW], ids=lambda tables: tables.package)
def test_schemas_of_other_versions(tables: Tables, tmp_path: Path) -> None:
    known = migrations(tables.package, tables.scripts)
    assert known.head is not None
    now = file_finding(schema(tmp_path / "now.db", tables, known.head), tables)
    old = file_finding(schema(tmp_path / "old.db", tables, min(known.all - {known.head})), tables)
    new = file_finding(schema(tmp_path / "new.db", tables, "ffff"), tables)
    assert [each.state for each in (now, old, new)] == ["ok", "problem", "problem"]
    assert old.mend.startswith("copy the file, then: ")
    assert old.mend.endswith(f"sqlite:///{tmp_path / 'old.db'}")
    assert new.mend == f"install the {tables.package} that wrote it"


@pytest.mark.parametrize("tables", [OPTUNA, MLFLOW], ids=lambda tables: tables.package)
def test_the_newest_schema_is_the_one_that_alembic_finds(tables: Tables) -> None:
    spec = importlib.util.find_spec(tables.package)
    assert spec is not None
    assert spec.origin is not None
    scripts = ScriptDirectory(str((Path(spec.origin).parent / tables.scripts).parent))
    found = migrations(tables.package, tables.scripts)
    assert found.head == scripts.get_current_head()
    assert found.all == {each.revision for each in scripts.walk_revisions()}


def test_two_newest_schemas_are_none() -> None:
    branches = ('revision = "a"\ndown_revision = None', "revision = 'b'\ndown_revision = 'a'", "revision: str = 'c'")
    assert parse(branches[:2]).head == "b"
    assert parse(branches).head is None
    merge = "revision = 'd'\ndown_revision = ('b', 'c')"
    assert parse((*branches, merge)).head == "d"
    assert migrations("no_such_package", "x").head is None

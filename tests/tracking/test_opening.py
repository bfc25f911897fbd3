"""A store that cannot be opened is one line, for a study that would write to it and for a command that reads it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from helpers.killed_writer import leave_half_a_transaction

from sparsetune.base.errors import BadInput
from sparsetune.base.stores.sqlite import sqlite_path
from sparsetune.base.stores.tables import MLFLOW, migrations
from sparsetune.tracking.left import left_by
from sparsetune.tracking.run_keys import RunKey
from sparsetune.tracking.store import check_experiment, store_to_read
from sparsetune.tracking.ui import open_ui


@pytest.fixture
def store(uri: str, tmp_path: Path) -> Path:
    """A copy of a store with an experiment `first`."""
    path = sqlite_path(uri)
    assert path is not None
    return Path(shutil.copy(path, tmp_path / "mlflow.db"))


def schema(revision: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))

    return write


def text(path: Path) -> None:
    path.write_text("text, and no database\n" * 100)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def foreign(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE mine (x)")


def damaged(path: Path) -> None:
    """The header is whole, the pages are not."""
    content = bytearray(path.read_bytes())
    content[100:] = b"\xaa" * (len(content) - 100)
    path.write_bytes(content)


OLD = min(migrations(MLFLOW.package, MLFLOW.scripts).all - {migrations(MLFLOW.package, MLFLOW.scripts).head or ""})
BROKEN = [
    (text, "not a database; name another file"),
    (folder, "a folder; name another file"),
    (foreign, "not mlflow's; name another file"),
    (damaged, "damaged; restore it"),
    (schema("ffff"), "of a newer mlflow (schema ffff); install the mlflow that wrote it"),
    (schema(OLD), f"of an older mlflow (schema {OLD}); copy the file, then: mlflow db upgrade sqlite:///"),
]


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(BadInput) as caught:
        call()
    line = str(caught.value)
    assert "\n" not in line
    return line


@pytest.mark.parametrize(("break_it", "words"), BROKEN, ids=[words[:12] for _, words in BROKEN])
def test_a_file_that_cannot_be_used(break_it: Callable[[Path], None], words: str, store: Path) -> None:
    break_it(store)
    before = store.read_bytes() if store.is_file() else None
    uri = f"sqlite:///{store}"
    calls: tuple[Callable[[], object], ...] = (
        lambda: open_ui(uri, 5000, experiment=None, say=pytest.fail),
        lambda: open_ui(uri, 5000, experiment="first", say=pytest.fail),
        lambda: left_by(uri, "first", "x", RunKey(0), "ticket", store.parent),
        lambda: check_experiment(uri, "first"),
    )
    said = {refused(call) for call in calls}
    assert len(said) == 1
    assert said.pop().startswith(f"{store}: {words}")
    assert (store.read_bytes() if store.is_file() else None) == before


@contextmanager
def locked(path: Path) -> Iterator[None]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield


def test_a_file_that_is_locked_is_no_reason_against_a_study(store: Path) -> None:
    uri = f"sqlite:///{store}"
    with locked(store):
        check_experiment(uri, "first")
        line = refused(lambda: open_ui(uri, 5000, experiment=None, say=pytest.fail))
    assert line == f"{store}: locked by another process for longer than a second; wait for it, or end it"


def test_what_a_killed_writer_left_is_undone(store: Path) -> None:
    leave_half_a_transaction(store)
    assert store.with_name("mlflow.db-journal").exists()
    uri = f"sqlite:///{store}"
    check_experiment(uri, "first")
    with store_to_read(uri):
        pass
    assert not store.with_name("mlflow.db-journal").exists()


def test_a_file_that_is_not_there_yet_or_empty(tmp_path: Path) -> None:
    path = tmp_path / "a" / "mlflow.db"
    uri = f"sqlite:///{path}"
    check_experiment(uri, "first")
    assert refused(lambda: open_ui(uri, 5000, experiment=None, say=pytest.fail)).endswith("run a study first")
    assert not path.parent.exists()
    path.parent.mkdir()
    path.touch()
    check_experiment(uri, "first")
    assert refused(lambda: open_ui(uri, 5000, experiment=None, say=pytest.fail)).endswith("run a study first")
    assert path.read_bytes() == b""


def test_a_place_where_no_file_can_be_made(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    line = refused(lambda: check_experiment(f"sqlite:///{file}/a/mlflow.db", "first"))
    assert line == f"{file}/a/mlflow.db: cannot be made: nothing can be written in {file}: Not a directory"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may do everything")
def test_a_file_of_somebody_else(store: Path) -> None:
    uri = f"sqlite:///{store}"
    store.chmod(0o444)
    assert refused(lambda: check_experiment(uri, "first")) == f"{store}: cannot be written to: Permission denied"
    store.chmod(0)
    for call in (lambda: check_experiment(uri, "first"), lambda: open_ui(uri, 5000, experiment=None, say=pytest.fail)):
        assert refused(call) == f"{store}: you may not read it; name another file"


def test_a_database_server_that_is_away_is_asked_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With a driver of a few lines, for none is installed: what it says holds the password."""
    errors = "OperationalError = ProgrammingError = InterfaceError = InternalError = Error"
    driver = f"""
paramstyle = "format"
class Error(Exception): ...
{errors}
def connect(**how): raise Error(f"no answer; {{how}}")
"""
    (tmp_path / "pymysql.py").write_text(driver)
    monkeypatch.delitem(sys.modules, "pymysql", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    line = refused(lambda: open_ui("mysql+pymysql://me:tops3cret@h/db", 5000, experiment=None, say=pytest.fail))
    assert line.startswith("MLflow at mysql+pymysql://h/db: cannot be opened: no answer; ")
    assert "'password': '***'" in line
    assert "tops3cret" not in line

"""One check of tracking URIs, for study files, MLFLOW_TRACKING_URI and ``--uri``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sparsetune.app.study import load
from sparsetune.base.errors import BadInput
from sparsetune.base.stores.tracking_uri import VARIABLE, is_database, tracking_uri

from .files import accepted, write

SECRET = "tops3cret"
STARTS = "allowed: a URI that starts with sqlite:///, http://, https://, postgresql, mysql, mssql, databricks"
BAD = {
    "./mlruns": "`mlflow migrate-filestore`",
    "/tmp/mlruns": "`mlflow migrate-filestore`",
    "file:": "`mlflow migrate-filestore`",
    "file:./mlruns": "`mlflow migrate-filestore`",
    "file:///tmp/mlruns": "`mlflow migrate-filestore`",
    "foo": STARTS,
    "foo://x": STARTS,
    "HTTP://host": STARTS,
    "https:/host": STARTS,
    " http://host": STARTS,
    "databricksx": STARTS,
    "uc:http://host": STARTS,
    "postgresqlx://h/db": STARTS,
    "postgresql:h/db": STARTS,
    "oracle://h/db": STARTS,
    "sqlite://": STARTS,
    "sqlite:///": "allowed: a file",
    "sqlite:///?x=1": "allowed: a file",
    "sqlite:///:memory:": "allowed: a file",
    "http://": "a host and the number of its port",
    "http://:5000": "a host and the number of its port",
    "http://host:port": "a host and the number of its port",
    "http://host:99999": "a host and the number of its port",
    "http://host:0": "a host and the number of its port",
    "http://a b": "a host and the number of its port",
    "http://[::1": "a host and the number of its port",
    "http://host/#/experiments/3": "the server's address",
    "http://host?x=1": "the server's address",
    "http://me:€@host": "Latin-1",
    f"http://me:a/b@{SECRET}@host": "as ${NAME}",
    f"postgresql://me:{SECRET}@h:port/db": "as ${NAME}",
    "postgresql://h:port/db": "a host and the number of its port",
    f"postgresql+psycopg2://me:{SECRET}@h/db": "psycopg2 is not installed; pip install psycopg2-binary",
    "mysql+pymysql://h/db": "pymysql is not installed; pip install pymysql",
    "mssql+pyodbc://h/db": "pyodbc is not installed; pip install pyodbc",
    f"postgresql+nope://me:{SECRET}@h/db": "SQLAlchemy cannot read",
}
GOOD = [
    "sqlite:///mlflow.db",
    "sqlite:////a b/c@d.db",
    "sqlite:///x.db?timeout=5",
    "http://127.0.0.1:5000",
    "http://[::1]:5000/mlflow/",
    "https://host.example",
    "https://me:secret@host",
    "https://token@host:8443",
    "databricks",
    "databricks://profile",
]


@pytest.fixture(autouse=True)
def _unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture
def _without_drivers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("psycopg2", "pymysql", "pyodbc"):
        monkeypatch.setitem(sys.modules, name, None)  # an import of it fails


@pytest.mark.usefixtures("_without_drivers")
@pytest.mark.parametrize("uri", BAD)
def test_what_mlflow_cannot_serve_is_refused_wherever_it_is_written(
    uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = []
    for option, variable, key in ((uri, None, "--uri: "), (None, uri, f"{VARIABLE}: ")):
        if variable:
            monkeypatch.setenv(VARIABLE, variable)
        with pytest.raises(BadInput) as caught:
            tracking_uri(option)
        line = str(caught.value)
        assert line.startswith(key)
        said.append(line.removeprefix(key))
    file = write(tmp_path, tracking={"uri": uri})
    with pytest.raises(BadInput) as caught:
        load(file)
    said.append(str(caught.value).removeprefix(f"{file}: tracking.uri: "))
    assert len(set(said)) == 1
    assert BAD[uri] in said[0]
    assert said[0].startswith("found '")
    assert "\n" not in said[0]
    assert SECRET not in said[0]


@pytest.mark.parametrize("uri", GOOD)
def test_what_it_can_serve_is_taken_as_it_is(uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tracking_uri(uri) == uri
    assert accepted(tmp_path, tracking={"uri": uri}).tracking.uri == uri
    monkeypatch.setenv(VARIABLE, uri)
    assert tracking_uri() == uri
    assert is_database(uri) == uri.startswith("sqlite")


def test_the_option_goes_before_the_variable_and_neither_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert tracking_uri() is None
    monkeypatch.setenv(VARIABLE, "")
    assert tracking_uri("") is None
    monkeypatch.setenv(VARIABLE, "foo")
    assert tracking_uri("http://host") == "http://host"


@pytest.mark.parametrize(
    "uri", ["postgresql+psycopg2://me:a/b@h:5/db", "mysql+pymysql://h/db", "postgresql+psycopg2:///db"]
)
def test_a_database_with_its_driver(uri: str, stand_in: Callable[[str], None]) -> None:
    for name in ("psycopg2", "pymysql"):
        stand_in(name)
    found = tracking_uri(uri)
    assert found == uri.replace("a/b", "a%2Fb")
    assert is_database(uri)


def test_a_variable_names_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_PASSWORD", "a@b/c")
    monkeypatch.setenv(VARIABLE, "http://me:${TEST_PASSWORD}@host")
    assert tracking_uri() == tracking_uri(os.environ[VARIABLE]) == "http://me:a%40b%2Fc@host"
    monkeypatch.setenv(VARIABLE, "foo://me:${TEST_PASSWORD}@host")
    with pytest.raises(BadInput, match=r"found 'foo://me:\$\{TEST_PASSWORD\}@host'"):
        tracking_uri()
    monkeypatch.delenv("TEST_PASSWORD")
    with pytest.raises(BadInput, match="the variable TEST_PASSWORD is not set"):
        tracking_uri()


@pytest.fixture
def _plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "azure-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: azure\nVersion: 1\n")
    (folder / "entry_points.txt").write_text("[mlflow.tracking_store]\nazureml = azure:store\n")
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("_plugin")
def test_a_package_may_bring_a_store() -> None:
    assert tracking_uri("azureml://host/x") == "azureml://host/x"
    assert not is_database("azureml://host/x")

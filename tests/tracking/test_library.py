"""MLflow below a folder whose name configparser would read as a reference."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import mlflow
import pytest
from alembic.script import ScriptDirectory
from mlflow.store.db import utils

from sparsetune.tracking.library import MIGRATIONS, PACKAGE, VERSION, alembic_config, plain_path


def test_written_for_this_version() -> None:
    assert mlflow.__version__.rpartition(".")[0] == VERSION
    ours, theirs = alembic_config("sqlite:///a%20b"), utils._get_alembic_config("sqlite:///a%20b")
    for option in ("script_location", "sqlalchemy.url"):
        assert ours.get_main_option(option) == theirs.get_main_option(option)


@pytest.mark.parametrize("name", ["50% #1 {a}?", "%(here)s", "100%", "a%20b", "plain"])
def test_migrations_are_found(tmp_path: Path, name: str) -> None:
    shutil.copytree(MIGRATIONS, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    scripts = ScriptDirectory.from_config(alembic_config("sqlite:///x", str(tmp_path / name)))
    assert scripts.get_heads() == ScriptDirectory.from_config(alembic_config("")).get_heads()


def test_a_process_of_mlflows_own_finds_it_by_a_plain_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    first, *others = plain_path()["PYTHONPATH"].split(os.pathsep)
    assert others == ["/elsewhere"]
    (link,) = Path(first).iterdir()
    assert link.name == "mlflow"
    assert link.samefile(PACKAGE)
    assert "%" not in first

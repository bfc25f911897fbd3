"""The Tab key, asked as a shell asks: quick, without heavy libraries, silent when there is nothing to offer."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import optuna
import pytest
import typer
from typer.main import get_command

from sparsetune.cli import app, completion
from sparsetune.search.storage import open_storage
from sparsetune.sparsity.methods import METHODS

SHELL = """
import sys
from sparsetune.cli import app
try:
    app(prog_name="sparsetune")
finally:
    heavy = {"torch", "ray", "mlflow", "optuna", "pandas"} & set(sys.modules)
    print("heavy:", *heavy, file=sys.stderr)
"""


def offered(line: str, folder: Path, shell: str = "bash") -> list[str]:
    """What the Tab key offers at the end of a line."""
    words = line.split(" ")
    asked = {
        "_SPARSETUNE_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    done = subprocess.run(
        [sys.executable, "-c", SHELL],
        cwd=folder,
        env={**os.environ, **asked},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == "heavy:\n"
    return done.stdout.split()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("completed")
    for folder in ("search_spaces", "studies", "mlruns"):
        (root / folder).mkdir()
    for file in ("search_spaces/ast_pi.yaml", "search_spaces/optimizer.yaml", "studies/a.yaml", "one.yaml", "x.txt"):
        (root / file).touch()
    storage = open_storage(f"sqlite:///{root}/mlruns/studies.db")
    for name in ("ast_pi", "ast_mnist", "one goal", "$x"):
        optuna.create_study(study_name=name, storage=storage)
    return root


def test_commands_methods_spaces_and_studies(project: Path) -> None:
    assert offered("sparsetune me", project) == ["methods", "metrics"]
    assert offered("sparsetune methods ", project) == METHODS.names()
    assert offered("sparsetune metrics ec", project) == ["ece", "ece_15", "ece_odds"]
    assert offered("sparsetune spaces o", project) == ["optimizer"]
    assert offered("sparsetune ui ", project) == ["ast_mnist", "ast_pi"]
    assert offered("sparsetune ui ast_m", project, "fish") == ["ast_mnist"]
    assert '"ast_pi"' in " ".join(offered("sparsetune spaces ", project, "zsh"))


def test_options_written_before_are_heeded(project: Path, tmp_path: Path) -> None:
    assert offered(f"sparsetune ui --root {project} ast_p", tmp_path) == ["ast_pi"]
    assert offered(f"sparsetune spaces --root {project} a", tmp_path) == ["ast_pi"]
    assert offered("sparsetune ui ", tmp_path) == []


def names(**options: str) -> list[str]:
    context = typer.Context(get_command(app))
    context.params.update(options)
    return completion.study_names(context)


def test_study_names_wherever_the_storage_is(project: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{project}/mlruns/studies.db"
    assert sorted(names(storage=url)) == ["ast_mnist", "ast_pi"]  # the others would need quotes
    assert names(storage="postgresql://me@127.0.0.1:1/x") == []
    assert names(storage=f"sqlite:///{tmp_path}/none.db") == []
    (tmp_path / "bad.db").write_text("hello" * 1000)
    assert names(storage=f"sqlite:///{tmp_path}/bad.db") == []
    connection = sqlite3.connect(project / "mlruns" / "studies.db", isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    assert names(storage=url) == []
    connection.close()
    assert list(tmp_path.iterdir()) == [tmp_path / "bad.db"]


def test_study_files(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    assert completion.study_files("") == ["one.yaml", "studies/a.yaml"]
    assert completion.study_files("studies/") == ["studies/a.yaml"]
    assert completion.study_files(f"{project}/studies/a") == [f"{project}/studies/a.yaml"]
    assert completion.study_files("nowhere/") == []

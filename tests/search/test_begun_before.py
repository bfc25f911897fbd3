"""A study of an earlier version: every listing reads it, `study` on it says how to take its trials over."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import optuna
import pytest

from sparsetune.base.paths import Project
from sparsetune.base.yaml_io import dump, read_mapping
from sparsetune.search.storage import DEFINITION
from sparsetune.testing.studies import finish, write_study

SINCE = ("iterations", "evaluate", "keep_row")  # settings that no study had before trainings were trees of stages
SMALL = {
    "method": "dense",
    "space": {"training.lr": {"float": [0.01, 0.1]}},
    "sampler": "random",
    "budget": {"trials": 2},
}
OBJECTIVES = [{"metric": "val_accuracy", "goal": "maximize"}]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The file of a study whose storage is as an earlier version left it."""
    file = write_study(tmp_path, **SMALL, objectives=OBJECTIVES)
    finish(file, "--in-process")
    storage = optuna.storages.RDBStorage(Project(tmp_path).storage_url)
    study = optuna.load_study(study_name="small", storage=storage)
    definition = study.user_attrs[DEFINITION]
    for name in SINCE:
        del definition["training"][name]
    study.set_user_attr(DEFINITION, definition)
    return file


def cli(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sparsetune", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_it_is_read_and_taken_over(old: Path, tmp_path: Path) -> None:
    refused = cli(tmp_path, "study", str(old), "--in-process", "--set", "budget.trials=3")
    assert refused.returncode == 2
    assert "was begun by an earlier version of sparsetune" in refused.stderr
    assert "start_with: [{all_of: small}]" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
    for command in (("status",), ("best", "small"), ("export", "small", "--json")):
        assert cli(tmp_path, *command).returncode == 0
    named_anew = {**read_mapping(old), "study": "anew", "start_with": [{"all_of": "small"}]}
    (old.parent / "anew.yaml").write_text(dump(named_anew))
    assert cli(tmp_path, "study", "studies/anew.yaml", "--in-process").returncode == 0
    before, after = (json.loads(cli(tmp_path, "export", name, "--json").stdout) for name in ("small", "anew"))
    assert [row["params"] for row in after][:2] == [row["params"] for row in before]

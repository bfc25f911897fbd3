"""A study that takes methods in turn: from its file to MLflow, killed on the way."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from sparsetune.cli import app
from sparsetune.testing.studies import assert_same, start, stored_trials, tracked_runs, write_study

STUDY: dict[str, Any] = {
    "method": {
        "factor": {
            "ast": {"method.kp": {"float": [0.01, 0.1], "log": True}, "training.epochs": {"value": 2}},
            "random_subset": {"method.fraction": {"float": [0.2, 0.8]}, "training.epochs": {"value": 2}},
            "dense": {"training.epochs": {"value": 1}},
        }
    },
    "space": {"training.lr": {"float": [0.01, 0.1]}},
    "training": {"batch_size": 128},
    "budget": {"trials": 7},
}
BRANCHES = STUDY["method"]["factor"]
TURNS = [*BRANCHES, *BRANCHES, "ast"]


@pytest.fixture(autouse=True)
def own_tracking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def call(*words: Any) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def test_from_the_file_to_mlflow(tmp_path: Path) -> None:
    whole = write_study(tmp_path / "whole", **STUDY)
    dry = call("study", whole, "--dry-run", "--no-probe")
    assert dry.exit_code == 0, dry.stderr
    assert "method:\n  factor:\n    ast:\n" in dry.stdout
    assert "#   method.name  each of ast, random_subset and dense\n" in dry.stdout
    assert "#   3 cells by factors: trials go to them in turn, each is searched by itself\n" in dry.stdout
    assert call("study", whole, "--in-process").exit_code == 0
    trials = stored_trials(tmp_path / "whole")
    assert [each["params"]["method.name"] for each in trials] == TURNS
    for number, (run,) in tracked_runs(tmp_path / "whole").items():
        assert run["params"]["method.name"] == TURNS[number]
        assert run["params"]["training.epochs"] == ("1" if TURNS[number] == "dense" else "2")

    killed = write_study(tmp_path / "killed", **STUDY)
    process = start(killed, "--in-process", failpoint="before-tell:5")
    said, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL, said
    assert call("study", killed, "--in-process").exit_code == 0
    assert_same(tmp_path / "killed", tmp_path / "whole")

    drawn = write_study(tmp_path / "killed", **{**STUDY, "method": {"choose": BRANCHES}})
    refused = call("study", drawn, "--in-process")
    assert (refused.exit_code, len(refused.stderr.splitlines())) == (2, 1)
    assert "space.method.name.factor: ['ast', 'random_subset', 'dense'] -> (absent)" in refused.stderr

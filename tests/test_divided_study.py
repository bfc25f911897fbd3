"""A study that chooses between two methods, of which one has a factor: from its file to MLflow, killed on the way."""

from __future__ import annotations

import csv
import io
import json
import signal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from sparsetune.cli import app
from sparsetune.testing.studies import assert_same, start, stored_trials, tracked_runs, write_study

CHOOSE = {
    "ast": {"method.kp": {"float": [0.01, 0.1], "log": True}, "method.normalize": {"factor": ["none", "ema"]}},
    "dense": {"training.momentum": {"float": [0.5, 0.9]}},
}
STUDY: dict[str, Any] = {
    "method": {"choose": CHOOSE},
    "space": {"training.lr": {"float": [0.01, 0.1]}},
    "objectives": [{"metric": "val_accuracy", "goal": "maximize"}],
    "start_with": [{"method.name": "ast", "method.kp": 0.05, "method.normalize": "ema"}],
    "training": {"epochs": 2, "batch_size": 128},
    "budget": {"trials": 7},
}
CELLS = [("ast", "none"), ("ast", "ema"), ("dense", None)]
TURNS = [CELLS[1], *CELLS * 2]  # the point to begin with has a cell of its own


@pytest.fixture(autouse=True)
def own_tracking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def call(*words: Any) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def test_from_the_file_to_mlflow(tmp_path: Path) -> None:
    whole = write_study(tmp_path / "whole", **STUDY)
    dry = call("study", whole, "--dry-run", "--no-probe")
    assert dry.exit_code == 0, dry.stderr
    assert "#     2 of them: ast\n#     1 of them: dense\n" in dry.stdout
    assert call("study", whole, "--in-process").exit_code == 0
    trials = stored_trials(tmp_path / "whole")
    assert [(each["params"]["method.name"], each["params"].get("ast.normalize")) for each in trials] == TURNS
    assert trials[0]["params"]["ast.kp"] == 0.05
    for number, (run,) in tracked_runs(tmp_path / "whole").items():
        name, normalize = TURNS[number]
        assert run["params"]["method.name"] == name
        assert run["params"].get("ast.normalize") == run["params"].get("method.normalize") == normalize

    killed = write_study(tmp_path / "killed", **STUDY)
    process = start(killed, "--in-process", failpoint="before-tell:5")
    said, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL, said
    assert call("study", killed, "--in-process").exit_code == 0
    assert_same(tmp_path / "killed", tmp_path / "whole")

    root = ("--root", tmp_path / "killed")
    (status,) = json.loads(call("status", "--json", *root).stdout)
    assert (status["complete"], status["budget"]) == (7, 7)
    rows = list(csv.DictReader(io.StringIO(call("export", "small", "--csv", *root).stdout)))
    assert [(row["params.method.name"], row["params.ast.normalize"] or None) for row in rows] == TURNS
    assert "method.name" in call("study", killed, "--in-process").stdout  # the summary of what is done

    other = {**CHOOSE, "ast": {**CHOOSE["ast"], "method.normalize": {"factor": ["none", "ema", "log"]}}}
    refused = call("study", write_study(tmp_path / "killed", **{**STUDY, "method": {"choose": other}}), "--in-process")
    assert (refused.exit_code, len(refused.stderr.splitlines())) == (2, 1)
    assert "space.ast.normalize.factor: ['none', 'ema'] -> ['none', 'ema', 'log']" in refused.stderr

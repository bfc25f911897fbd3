"""A reused trial whose driver died before MLflow heard of it."""

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from sparsetune.app.study import Summary, load, run_study
from sparsetune.testing.studies import tracked_runs, write_study


def test_a_result_that_was_taken_over_reaches_mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    small = {"sampler": "random", "training": {"epochs": 1}, "space": {"training.lr": {"float": [0.01, 0.1]}}}

    def study(name: str, **c: Any) -> Summary:
        return run_study(
            load(write_study(tmp_path, study=name, **small, **c)),
            workers=None,
            in_process=True,
            console=Console(quiet=True),
        )

    study("old", budget={"trials": 2})

    class Died(BaseException): ...

    def die(name: str) -> None:
        if name == "after-tell":
            raise Died

    with monkeypatch.context() as m:
        m.setattr("sparsetune.search.ledger.failpoint", die)
        with pytest.raises(Died):
            study("new", budget={"trials": 1}, start_with=[{"all_of": "old"}])
    assert 0 not in tracked_runs(tmp_path, "new")
    study("new", budget={"trials": 1}, start_with=[{"all_of": "old"}])
    runs = tracked_runs(tmp_path, "new")
    assert {n: [r["status"] for r in each] for n, each in runs.items()} == {n: ["FINISHED"] for n in range(3)}
    (kept,) = [f for f in (tmp_path / "mlruns" / "checkpoints").iterdir() if "new" in f.name]
    assert [f.name for f in kept.iterdir()] == []

"""Files that change between two starts: never is one study trained on two sets of data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console
from safetensors.torch import save_file

from sparsetune import data
from sparsetune.app.study import Summary, load, run_study
from sparsetune.base.errors import BadInput
from sparsetune.base.messages import Job, Key
from sparsetune.config.trial import resolve_trial
from sparsetune.models.mlp import Mlp, MlpConfig
from sparsetune.testing.studies import write_study
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.trial import run_trial

CHANGES: dict[str, Any] = {
    "method": "dense",
    "data": {"name": "tabular", "path": "table.csv", "target": "y", "task": "classification"},
    "model": {"name": "mlp", "hidden": [3]},
    "training": {"epochs": 2, "batch_size": 8},
    "space": {"training.lr": {"float": [0.01, 0.1]}},
    "objectives": [{"metric": "val_loss", "goal": "minimize"}],
}


@pytest.fixture(autouse=True)
def own_tracking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def write_table(root: Path, extra: int = 0) -> Path:
    rows = [f"{number},{number % 7},{number % 2}" for number in range(40 + extra)]
    (root / "table.csv").write_text("\n".join(["a,b,y", *rows]) + "\n")
    return root / "table.csv"


def run(root: Path, trials: int, **changes: Any) -> Summary:
    study = load(write_study(root, **{**CHANGES, **changes, "budget": {"trials": trials}}))
    return run_study(study, workers=None, in_process=True, console=Console(quiet=True))


def test_a_table_that_has_grown(tmp_path: Path) -> None:
    write_table(tmp_path)
    assert run(tmp_path, 1).counts["COMPLETE"] == 1
    write_table(tmp_path, extra=2)
    with pytest.raises(BadInput, match=r"small\.yaml: data: the files of 'small' hold something else .*\(data: .* -> "):
        run(tmp_path, 2)
    write_table(tmp_path)
    first, second = run(tmp_path, 2).trials
    assert (first.state, second.state) == ("COMPLETE", "COMPLETE")
    assert first.notes["split"] == second.notes["split"]


def test_a_table_of_a_training_that_comes_first(tmp_path: Path) -> None:
    """Beside the trial's own, which stays as it is."""
    write_table(tmp_path).rename(tmp_path / "first.csv")
    write_table(tmp_path, extra=9)
    lottery = {"name": "lottery", "levels": 1}
    first = {"method": lottery, "data": {**CHANGES["data"], "path": "first.csv"}}
    method = {"name": "ticket_retrain", "first": first}
    assert run(tmp_path, 1, method=method).counts["COMPLETE"] == 1
    kept = (tmp_path / "first.csv").read_text()
    (tmp_path / "first.csv").write_text(kept + "7,7,1\n")
    with pytest.raises(BadInput, match=r"small\.yaml: method\.first\.data: the files of 'small' hold something else"):
        run(tmp_path, 2, method=method)
    (tmp_path / "first.csv").write_text(kept)
    assert run(tmp_path, 2, method=method).counts["COMPLETE"] == 2
    (tmp_path / "first.csv").unlink()
    with pytest.raises(BadInput, match=r"small\.yaml: method\.first\.data\.path: "):
        run(tmp_path, 2, method=method)


def test_weights_that_were_replaced(tmp_path: Path) -> None:
    write_table(tmp_path)
    model = {"name": "mlp", "hidden": [3], "weights": "start.safetensors"}
    for trials in (1, 2):
        torch.manual_seed(trials)
        save_file(Mlp.build(MlpConfig(hidden=(3,)), (2,), 2).state_dict(), tmp_path / "start.safetensors")
        if trials == 2:
            with pytest.raises(BadInput, match=r"model\.weights: the files of 'small' hold something else"):
                run(tmp_path, trials, model=model)
        else:
            assert run(tmp_path, trials, model=model).counts["COMPLETE"] == 1


def test_a_checkpoint_of_other_data_is_not_taken_up(tmp_path: Path) -> None:
    """What was trained on may be in another split now."""
    table = write_table(tmp_path)
    raw = {key: CHANGES[key] for key in ("method", "model", "training")}
    raw["data"] = {**CHANGES["data"], "path": str(table)}
    job = Job(Key(0), resolve_trial(raw, REGISTRIES).plain(), str(tmp_path / "trial"), checkpoint_every="1ep")
    first = next(iter(run_trial(job)))
    assert [row.epoch for row in first.rows] == [1]
    again = [row.epoch for report in run_trial(job) for row in report.rows]
    assert again[0] == 1
    kept = first.rows[0].timestamp_ms
    assert next(iter(run_trial(job))).rows[0].timestamp_ms == kept, "the same data go on"
    write_table(tmp_path, extra=2)
    data._load.cache_clear()  # as in a process of its own
    assert next(iter(run_trial(job))).rows[0].timestamp_ms != kept

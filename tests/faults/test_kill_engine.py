"""Trials of several trainings, with a pruner: what had ended before a kill is not trained again; nothing differs."""

from __future__ import annotations

import io
import json
import signal
from pathlib import Path
from typing import Any

import optuna
import pytest
from rich.console import Console

from sparsetune.app.study import load, run_study
from sparsetune.base.paths import Project
from sparsetune.testing import toy_method
from sparsetune.testing.studies import start, stored_trials, tracked_runs, untimed, write_study
from sparsetune.training.randomness import Counters, Order

ONE = [{"metric": "val_accuracy", "goal": "maximize"}]
TWO = [*ONE, {"metric": "val_loss", "goal": "minimize"}]
COMMON: dict[str, Any] = {
    "space": {"method.p_dropout": {"float": [0.1, 0.5]}, "training.lr": {"float": [1e-4, 1e-2], "log": True}},
    "replicates": 2,
    "budget": {"trials": 4},
}
STUDIES: dict[str, dict[str, Any]] = {
    "samples": {
        **COMMON,
        "method": {"name": "dense", "n_dropout_layers": 1},
        "training": {"epochs": 4, "batch_size": 128, "optimizer": "adam"},
        "fork": {"method.mc_samples": [1, 4]},
        "objectives": ONE,
        "pruner": {"name": "asha", "reduction_factor": 2},
    },
    "densities": {
        **COMMON,
        "import": ["toy_method.py"],
        "method": {"name": "toy", "n_dropout_layers": 1},
        "training": {"epochs": 2, "batch_size": 128, "optimizer": "adam", "keep": "best"},
        "fork": {"method.density": [0.5, 0.1]},
        "objectives": TWO,
        "pruner": {"name": "hypervolume", "keep": 0.3, "min_epochs": 1},
    },
}
# Of samples a trial that is not pruned trains two times four epochs, with a checkpoint after each. Of densities it is
# two epochs before pruning and two for each branch; and that twice. Where runs end and others of the trial are left,
# there is one more.
POINTS = [
    ("samples", "after-checkpoint:7", 6),  # the second replicate
    ("densities", "after-checkpoint:14", 11),  # the second branch of the second replicate
    ("samples", "after-checkpoint:4", 4),  # the first replicate has an end that was not stored
    ("samples", "after-checkpoint:5", 4),  # it was
    ("samples", "before-tell:1", 8),
    ("samples", "after-tell:1", 8),
    ("samples", "after-ask:3", None),
    ("samples", "before-mlflow-end:3", None),
    ("densities", "after-checkpoint:2", 2),  # where branches part
    ("densities", "after-checkpoint:3", 3),
    ("densities", "after-checkpoint:4", 4),  # the first branch has an end that was not stored
    ("densities", "after-checkpoint:5", 4),  # it was
    ("densities", "after-checkpoint:8", 6),  # all of the first replicate
    ("densities", "after-checkpoint:10", 8),
    ("densities", "before-tell:1", 12),
    ("densities", "before-tell:3", None),
]


def write(root: Path, name: str) -> Path:
    file = write_study(root, **STUDIES[name])
    file.with_name("toy_method.py").write_text(Path(toy_method.__file__).read_text())
    return file


def trained(file: Path) -> int:
    """Run a study to its end, in this process; returns how many epochs it trained."""
    epochs: list[int] = []

    real = Order.next

    def counting(order: Order, counters: Counters, steps: int) -> Any:
        if not counters.step:
            epochs.append(counters.epochs)
        return real(order, counters, steps)

    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.setattr(Order, "next", counting)
        run_study(load(file), workers=None, in_process=True, console=Console(file=io.StringIO()))
    return len(epochs)


def left(root: Path) -> dict[str, Any]:
    """All that two equal studies agree on."""
    study = optuna.load_study(study_name="small", storage=Project(root).storage_url)
    runs = [[{**run, "metrics": untimed(run["metrics"])} for run in trial.user_attrs["runs"]] for trial in study.trials]
    tracked = {
        number: sorted(json.dumps(each, sort_keys=True) for each in found)
        for number, found in tracked_runs(root).items()
    }
    return {"trials": stored_trials(root), "runs": runs, "tracked": tracked}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """By name, the uninterrupted studies: how many epochs they trained, and what they left."""
    known: dict[str, tuple[int, dict[str, Any]]] = {}

    def find(name: str) -> tuple[int, dict[str, Any]]:
        if name not in known:
            root = tmp_path_factory.mktemp(name)
            known[name] = trained(write(root, name)), left(root)
        return known[name]

    return find


@pytest.mark.slow
@pytest.mark.parametrize(("name", "point", "before"), POINTS)
def test_killed(name: str, point: str, before: int | None, tmp_path: Path, whole: Any) -> None:
    file = write(tmp_path, name)
    process = start(file, "--in-process", failpoint=point)
    said, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL, said
    epochs, expected = whole(name)
    after = trained(file)
    assert before is None or after == epochs - before
    assert left(tmp_path) == expected
    assert {trial["state"] for trial in expected["trials"]} == {"COMPLETE", "PRUNED"}
    assert [len(runs) for runs in expected["runs"]] == [4] * 4

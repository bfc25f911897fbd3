"""Studies of tickets that are trained first: drawn, begun, said again by `best`, and shown without running."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from sparsetune.base.messages import Job, Key
from sparsetune.base.paths import TICKET
from sparsetune.cli import app
from sparsetune.config.overrides import assign
from sparsetune.config.trial import resolve_trial
from sparsetune.testing.studies import finish, write_study
from sparsetune.testing.tickets import BRIEF, LOTTERY, MLP
from sparsetune.testing.trained import trial_config, untimed
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.trial import run_trial

FIRST = {
    "method": LOTTERY,
    "data": {"name": "digits", "num_train": 400},
    "training": {"epochs": 2, "batch_size": 128, "lr": 0.2, "device": "cpu"},
}
STUDY: dict[str, Any] = {
    "method": {"name": "ticket_retrain", "first": FIRST},
    "model": MLP,
    "training": {**BRIEF, "epochs": 2},
    "objectives": [{"metric": "val_accuracy", "goal": "maximize"}],
    "sampler": "random",
    "tracking": {"figures": "none"},
}
SPACE = {
    "method.first.data.num_train": {"choice": [100, 400]},
    "method.first.training.optimizer": {"choice": ["sgd", "adam"]},
    "method.first.training.lr": {"float": [0.05, 0.5], "log": True},
}

pytestmark = pytest.mark.usefixtures("alone")


def without(first: dict[str, Any], *names: str) -> dict[str, Any]:
    """What is varied is not written."""
    return {key: {k: v for k, v in part.items() if k not in names} for key, part in first.items()}


VARIED = {**STUDY, "method": {"name": "ticket_retrain", "first": without(FIRST, "num_train", "lr")}, "space": SPACE}


def call(*words: Any) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def test_a_study_varies_it_and_best_repeats_a_trial(tmp_path: Path) -> None:
    """In one process; what `best` prints is a config for `run`, which gives its numbers."""
    done = call("study", write_study(tmp_path, **VARIED, budget={"trials": 3}), "--in-process")
    assert done.exit_code == 0, done.output
    rows = json.loads(call("export", "small", "--json", "--root", tmp_path).stdout)
    drawn = [row["params"] for row in rows]
    assert all(set(each) == set(SPACE) for each in drawn)
    assert len({row["metrics"]["val_loss"] for row in rows}) == 3
    best = call("best", "small", "--root", tmp_path)
    assert best.exit_code == 0, best.output
    config = tmp_path / "best.yaml"
    config.write_text(best.stdout)
    again = call("run", config, "--json")
    assert again.exit_code == 0, again.output
    (run,) = json.loads(again.stdout)
    metrics = max(rows, key=lambda row: row["metrics"]["val_accuracy"])["metrics"]
    numbers = untimed({name: value for name, value in run["metrics"].items() if name in metrics})
    assert numbers == {name: metrics[name] for name in numbers}
    assert len(numbers) > 8


def test_what_is_not_written_is_the_trial_s_as_drawn() -> None:
    """Data, training, model and seed."""
    config = trial_config({"name": "ticket_retrain", "first": {"method": LOTTERY}}, MLP, seed=5, **BRIEF)
    drawn = {"training.lr": 0.125, "data.num_train": 200, "model.dropout": 0.25, "seed": 9}
    trial = resolve_trial(assign(config.plain(), drawn), REGISTRIES)
    first = REGISTRIES.method.get("ticket_retrain").comes_first(trial)
    assert first == resolve_trial(assign(trial.plain(), {"method": LOTTERY, "metrics": {}}), REGISTRIES)
    assert (first.training.lr, first.data.num_train, first.seed) == (0.125, 200, 9)


@pytest.mark.parametrize(
    ("space", "line"),
    [
        (
            {"method.first.data.num_train": {"int": [100, 5000]}},
            "method.first.data.num_train: found 5,000, ",
        ),
        ({"method.first.training.lr": {"float": [-1.0, 1.0]}}, "method.first.training.lr: found -1.0, "),
        ({"method.first.training.lrr": {"float": [0.1, 1.0]}}, "method.first.training.lrr: unknown name"),
        (
            {"method.first.method.levels": {"choice": [1, 2]}, "method.level": {"choice": [1, 2]}},
            "method.level: found 2, ",
        ),
    ],
)
def test_corners_are_checked(tmp_path: Path, space: dict[str, Any], line: str) -> None:
    first = without(FIRST, *(name.rpartition(".")[2] for name in space))
    method = {"name": "ticket_retrain", "first": first}
    result = call("study", write_study(tmp_path, **{**STUDY, "method": method, "space": space}), "--in-process")
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1), result.output
    assert line in result.stderr
    assert not (tmp_path / "mlruns").exists()


def test_a_dry_run_shows_it(tmp_path: Path) -> None:
    result = call("study", write_study(tmp_path, **VARIED), "--dry-run")
    assert result.exit_code == 0, result.output
    assert result.stdout.count("method.first.training.optimizer") >= 1
    assert not (tmp_path / "mlruns").exists()


def test_a_portable_config_has_no_places_and_no_devices() -> None:
    """However deep."""
    first = {**FIRST, "data": {"name": "mnist", "root": "/somewhere"}}
    said = json.dumps(trial_config({"name": "ticket_retrain", "first": first}, MLP, **BRIEF).portable())
    for word in ("device", "root", "somewhere", "source"):
        assert word not in said
    assert json.loads(said)["method"]["first"]["training"]["lr"] == 0.2


def test_its_ticket_says_what_it_was_trained_with(tmp_path: Path) -> None:
    config = trial_config({"name": "ticket_retrain", "first": FIRST}, MLP, **BRIEF)
    job = Job(Key(0), config.plain(), str(tmp_path))
    assert [report.outcome.state for report in run_trial(job) if report.outcome] == ["COMPLETE"]
    (file,) = (tmp_path / "before").glob(f"*/{TICKET}")
    shown = call("ticket", "show", file, "--json")
    assert shown.exit_code == 0, shown.output
    said = json.loads(shown.stdout)
    assert said["config"]["method"]["name"] == "lottery"
    assert said["config"]["data"]["num_train"] == 400
    assert said["config"]["training"]["lr"] == 0.2


@pytest.mark.slow
def test_workers_of_ray_have_the_numbers_of_one_process(tmp_path: Path) -> None:
    """What they leave lies in the trial's folder, and goes with it."""
    told = []
    for name, options in (("ray", ["--workers", "2"]), ("alone", ["--in-process"])):
        finish(write_study(tmp_path / name, **VARIED, budget={"trials": 2}), *options)
        rows = json.loads(call("export", "small", "--json", "--root", tmp_path / name).stdout)
        told.append([untimed(row["metrics"]) for row in rows])
        assert not list((tmp_path / name / "mlruns" / "checkpoints").rglob(TICKET))
    assert told[0] == told[1]

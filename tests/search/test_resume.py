"""A study goes on as if it had never stopped, whenever and however its driver ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import optuna
import pytest

from sparsetune.config.seeds import mix
from sparsetune.failpoints import VARIABLE
from sparsetune.search.storage import read_study

from .toys import ONE, TWO, finish, make, opened, rows, told, work, write

SAMPLERS: dict[str, dict[str, Any]] = {
    "tpe": {"name": "tpe", "n_startup_trials": 4},
    "multivariate": {"name": "tpe", "n_startup_trials": 4, "multivariate": True},
    "random": {"name": "random"},
}
TRIALS = 25


@pytest.mark.parametrize(
    ("sampler", "objectives"), [("tpe", ONE), ("tpe", TWO), ("multivariate", ONE), ("random", ONE)], ids=range(4)
)
def test_reopened_before_and_inside_every_trial(sampler: str, objectives: Any, tmp_path: Path) -> None:
    changes = {"sampler": SAMPLERS[sampler], "objectives": objectives, "budget": {"trials": TRIALS}}
    whole = told(finish(make(tmp_path / "whole", **changes)))
    study = make(tmp_path / "parts", **changes)
    ledger = opened(study)
    for number in range(TRIALS):
        asked = ledger.ask()
        ledger = opened(study)  # the trial is RUNNING, its driver gone
        (running,) = [trial for trial in ledger.trials() if trial.state == "RUNNING"]
        assert (running.number, running.params, running.config) == (number, asked.params, asked.config)
        work(ledger, running)
        if number % 2:
            ledger = opened(study)
    assert told(opened(study)) == whole
    assert len({repr(params) for _, _, params, *_ in whole}) == TRIALS


def test_trials_at_the_same_time_are_taken_up_too(tmp_path: Path) -> None:
    study = make(tmp_path)
    ledger = opened(study)
    first = [ledger.ask() for _ in range(3)]
    work(ledger, first[1])
    again = opened(study)
    assert [(t.number, t.params) for t in again.trials() if t.state == "RUNNING"] == [
        (t.number, t.params) for t in (first[0], first[2])
    ]
    for trial in (first[2], first[0]):
        work(again, trial)
    assert {t.state for t in again.trials()} == {"COMPLETE"}


@pytest.mark.parametrize("name", SAMPLERS)
def test_proposals_are_those_of_a_plain_optuna_loop(name: str, tmp_path: Path) -> None:
    seed = 7
    study = make(tmp_path, sampler=SAMPLERS[name], seed=seed, budget={"trials": TRIALS})
    ours = finish(study)
    plain = optuna.create_study(direction="minimize")
    for number in range(TRIALS):
        plain.sampler = fresh(name, mix(seed, number))
        trial = plain.ask()
        trial.suggest_float("method.x", -2.0, 2.0)
        if trial.suggest_categorical("method.kind", ["a", "b", "c"]) in ("a", "b"):
            trial.suggest_float("method.y", 1e-3, 1.0, log=True)
        trial.suggest_int("method.k", 1, 9, step=2)
        if number % 7 == 5:
            plain.tell(trial, state=optuna.trial.TrialState.FAIL)
        else:
            *_, last = rows({"method": {"y": 0.5, **{k.removeprefix("method."): v for k, v in trial.params.items()}}})
            plain.tell(trial, last.metrics["val_loss"])
    assert [(t.params, t.state) for t in ours.trials()] == [(t.params, t.state.name) for t in plain.trials]
    assert [list(t.values) for t in ours.trials()] == [t.values or [] for t in plain.trials]


def fresh(name: str, seed: int) -> optuna.samplers.BaseSampler:
    if name == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    with warnings.catch_warnings(action="ignore", category=optuna.exceptions.ExperimentalWarning):
        return optuna.samplers.TPESampler(n_startup_trials=4, group=True, multivariate=True, seed=seed)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, ...]]:
    return told(finish(make(tmp_path_factory.mktemp("whole"), pruner={"name": "median", "n_startup_trials": 2})))


# between-suggests is passed three or four times a trial: 25 is inside the seventh, an eighth of them
@pytest.mark.parametrize(
    "point",
    ["after-ask:1", "after-ask:8", "between-suggests:2", "between-suggests:25", "before-tell:6", "after-tell:7"],
)
def test_killed(point: str, tmp_path: Path, uninterrupted: list[tuple[Any, ...]]) -> None:
    file = write(tmp_path, pruner={"name": "median", "n_startup_trials": 2})
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), VARIABLE: f"{point}:{tmp_path / 'died'}"}
    command = [sys.executable, "-m", "search.toys", str(file)]
    died = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr
    study = make(tmp_path, pruner={"name": "median", "n_startup_trials": 2})
    assert len(opened(study)) < study.budget.trials
    assert told(finish(study)) == uninterrupted
    stored = read_study(study.storage, study.name).trials
    assert [(t.number, t.state, t.params, t.config, t.metrics, t.values, t.reason) for t in stored] == uninterrupted


def test_the_tests_see_every_state(uninterrupted: list[tuple[Any, ...]]) -> None:
    assert {state for _, state, *_ in uninterrupted} == {"COMPLETE", "PRUNED", "FAIL"}


def test_a_driver_that_died_while_creating_the_study(tmp_path: Path) -> None:
    study = make(tmp_path)
    optuna.create_study(study_name=study.name, storage=study.storage, direction="minimize")
    assert len(finish(study)) == study.budget.trials

"""A study goes on as if it had never stopped, whenever and however its driver ended."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest

from sparsetune.base.failpoints import VARIABLE
from sparsetune.base.seeds import mix
from sparsetune.search.storage import read_study

from .toys import EPOCHS, SETTINGS, SPACE, TWO, agreed, finish, life, make, opened, rows, told, work, write

TPE: dict[str, dict[str, Any]] = {
    "tpe": {"name": "tpe", "n_startup_trials": 4},
    "multivariate": {"name": "tpe", "n_startup_trials": 4, "multivariate": True},
    "random": {"name": "random"},
}
KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "asha": {"pruner": {"name": "asha", "reduction_factor": 2, "min_epochs": 2}},
    "gate": {"pruner": {"name": "percentile", "percentile": 70.0, "metric": "val_loss"}, "objectives": TWO},
    "hypervolume": {"pruner": {"name": "hypervolume", "min_epochs": 1}, "objectives": TWO},
    "wilcoxon": {"pruner": {"name": "wilcoxon", "p_threshold": 0.2}, "replicates": 4},
}
FORKS: dict[str, dict[str, Any]] = {"whole": {}, "forked": {"method.samples": [1, 2, 4]}}
X, Y, K = ({name: SPACE[name]} for name in ("method.x", "method.y", "method.k"))
STEPPED = {"method.x": {"float": [-2.0, 2.0], "step": 0.5}, **K}
SPACES: dict[str, dict[str, Any]] = {
    "flat": {**X, "method.kind": SPACE["method.kind"], **K},
    "conditional": SPACE,
    "factors": {"method.kind": {"factor": ["a", "b"]}, **X, **K},
}
OWN_SPACES: dict[tuple[str, str], dict[str, Any]] = {  # numbers only; steps only
    ("cmaes", "flat"): {**X, **K},
    ("grid", "flat"): STEPPED,
    ("grid", "factors"): {**STEPPED, "method.kind": {"factor": ["a", "b"]}},
}
REFUSED = {(name, "conditional") for name in ("cmaes", "gp", "grid", "qmc")}
REFUSED |= {("cmaes", kind) for kind in ("gate", "hypervolume")}
CALLS = 9  # of the ledger between ask and tell, the tell included; fewer without replicates
TRIALS = 25


DEFAULT = {
    ("cmaes", "asha", "flat", "forked"),
    ("grid", "gate", "factors", "forked"),
    ("nsga2", "gate", "conditional", "whole"),
    ("nsga3", "hypervolume", "conditional", "forked"),
    ("qmc", "plain", "flat", "forked"),
    ("random", "wilcoxon", "factors", "whole"),
    ("tpe", "hypervolume", "factors", "whole"),
}  # each sampler but gp, which takes a second for a proposal; each kind, each space, with and without a fork


def combinations() -> Iterator[Any]:
    """All that are not refused."""
    for name, kind, space, fork in itertools.product(SETTINGS, KINDS, SPACES, FORKS):
        if not {(name, space), (name, kind)} & REFUSED:
            marks = () if (name, kind, space, fork) in DEFAULT else pytest.mark.slow
            yield pytest.param(name, kind, space, fork, id=f"{name}-{kind}-{space}-{fork}", marks=marks)


@pytest.mark.parametrize(("name", "kind", "space", "fork"), list(combinations()))
def test_reopened_inside_every_trial(name: str, kind: str, space: str, fork: str, tmp_path: Path) -> None:
    """Right after the ask, between reports, after a replicate, before the tell, between trials."""
    changes = {
        "sampler": {"name": name, **SETTINGS[name]},
        "space": OWN_SPACES.get((name, space), SPACES[space]),
        "fork": FORKS[fork],
        "budget": {"trials": 12 if (name, space) == ("gp", "flat") else 18},
        "training": {"epochs": EPOCHS},
        **KINDS[kind],
    }
    whole = told(finish(make(tmp_path / "whole", **changes)))
    study = make(tmp_path / "parts", **changes)
    ledger = opened(study)
    while not ledger.spent:
        asked = ledger.ask()
        for _ in itertools.islice(life(ledger, asked), 1 + asked.number % CALLS):
            pass
        ledger = opened(study)
        trial = ledger.trials()[asked.number]
        assert (trial.params, trial.config) == (asked.params, asked.config)
        work(ledger, trial)
    assert told(ledger) == whole
    states = {state for _, state, *_ in whole}
    assert "COMPLETE" in states
    good = name == "gp" and len(study.objectives) == 2  # what it proposes is on the front, which nobody stops
    assert good or ("PRUNED" in states) == ("pruner" in KINDS[kind])
    by_chance = opened(make(tmp_path / "chance", **{**changes, "sampler": "random"}))
    proposed = [trial[2] != by_chance.ask().params for trial in whole]
    few = name == "gp" or kind == "wilcoxon"  # which leaves few complete
    assert sum(proposed) >= (0 if name == "random" else 1 if few else 3)  # beyond the random draws of the beginning


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


@pytest.mark.parametrize("name", TPE)
def test_proposals_are_those_of_a_plain_optuna_loop(name: str, tmp_path: Path) -> None:
    seed = 7
    study = make(tmp_path, sampler=TPE[name], seed=seed, budget={"trials": TRIALS})
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
            plain.tell(trial, state=optuna.trial.TrialState.PRUNED)  # so that it learns from what failed
        else:
            method = {"y": 0.5, **{k.removeprefix("method."): v for k, v in trial.params.items()}}
            *_, last = rows({"method": method, "seed": seed})
            plain.tell(trial, last.metrics["val_loss"])
    assert [t.params for t in ours.trials()] == [t.params for t in plain.trials]
    states = {"COMPLETE": "COMPLETE", "FAIL": "PRUNED"}
    assert [states[t.state] for t in ours.trials()] == [t.state.name for t in plain.trials]
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
    [
        "before-tell:6",
        *(
            pytest.param(point, marks=pytest.mark.slow)
            for point in ("after-ask:1", "after-ask:8", "between-suggests:2", "between-suggests:25", "after-tell:7")
        ),
    ],
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
    assert [agreed(trial) for trial in stored] == uninterrupted


def test_the_tests_see_every_state(uninterrupted: list[tuple[Any, ...]]) -> None:
    assert {state for _, state, *_ in uninterrupted} == {"COMPLETE", "PRUNED", "FAIL"}


def test_a_driver_that_died_while_creating_the_study(tmp_path: Path) -> None:
    study = make(tmp_path)
    optuna.create_study(study_name=study.name, storage=study.storage, direction="minimize")
    assert len(finish(study)) == study.budget.trials

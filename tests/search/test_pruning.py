"""Pruning: who is stopped, when, and what the storage remembers of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
import pytest

from sparsetune.base.messages import Row
from sparsetune.search.storage import read_study

from .toys import ONE, TWO, finish, make, opened, tell, told, work

MAXIMIZE = [{"metric": "val_accuracy", "goal": "maximize"}]


def curves(count: int, epochs: int) -> list[list[float]]:
    """Learning curves that cross."""
    return [
        [((7 * number + 3) % 11 + number * epoch % 5) / 10 for epoch in range(1, epochs + 1)] for number in range(count)
    ]


@pytest.mark.parametrize("objectives", [ONE, MAXIMIZE], ids=["minimize", "maximize"])
@pytest.mark.parametrize(("startup", "warmup"), [(0, 0), (2, 0), (3, 2), (5, 1)])
def test_decisions_are_those_of_optunas_median_pruner(
    startup: int, warmup: int, objectives: Any, tmp_path: Path
) -> None:
    """Two trials at a time, their epochs interleaved; Optuna's steps count our epochs from 1."""
    config = {"name": "median", "n_startup_trials": startup, "n_warmup_epochs": warmup}
    ledger = opened(make(tmp_path, pruner=config, objectives=objectives, sampler="random"))
    plain = optuna.create_study(
        direction=objectives[0]["goal"],
        pruner=optuna.pruners.MedianPruner(n_startup_trials=startup, n_warmup_steps=warmup + 1),
    )
    metric = objectives[0]["metric"]
    ours, theirs = [], []
    values = curves(14, 6)
    for pair in range(0, len(values), 2):
        running = {ledger.ask().number: plain.ask() for _ in range(2)}
        for epoch in range(1, 7):
            for number, trial in list(running.items()):
                value = values[number][epoch - 1]
                stop = ledger.report(number, Row(epoch, 0, {metric: value}))
                trial.report(value, epoch)
                ours.append((number, epoch, stop))
                theirs.append((number, epoch, trial.should_prune()))
                if stop:
                    tell(ledger, number, "PRUNED", {metric: value})
                    plain.tell(trial, state=optuna.trial.TrialState.PRUNED)
                    del running[number]
        for number, trial in running.items():
            tell(ledger, number, "COMPLETE", {metric: values[number][-1]})
            plain.tell(trial, values[number][-1])
        assert ours == theirs, pair
    stopped = [epoch for _, epoch, stop in ours if stop]
    assert stopped
    assert min(stopped) > warmup


@pytest.mark.parametrize(("warmup", "stops_at"), [(0, 1), (1, 2), (3, 4), (4, None)])
def test_warm_up_epochs_by_hand(warmup: int, stops_at: int | None, tmp_path: Path) -> None:
    """Losses of 1 and 2 have the median 1.5 at each of four epochs; one of 9 is worse from the start."""
    ledger = opened(make(tmp_path, pruner={"name": "median", "n_startup_trials": 2, "n_warmup_epochs": warmup}))
    for loss in (1.0, 2.0):
        number = ledger.ask().number
        assert not any(ledger.report(number, Row(epoch, 0, {"val_loss": loss})) for epoch in range(1, 5))
        tell(ledger, number, "COMPLETE", {"val_loss": loss})
    number = ledger.ask().number
    answers = [ledger.report(number, Row(epoch, 0, {"val_loss": 9.0})) for epoch in range(1, 5)]
    assert answers == [stops_at is not None and epoch >= stops_at for epoch in range(1, 5)]


PRUNERS: dict[str, tuple[dict[str, Any], Any]] = {
    "asha": ({"name": "asha", "reduction_factor": 2}, ONE),
    "hyperband": ({"name": "hyperband", "reduction_factor": 2}, ONE),
    "gate of two": ({"name": "median", "n_startup_trials": 2, "metric": "val_loss"}, TWO),
    "rungs of two": ({"name": "asha", "reduction_factor": 2, "metric": "val_loss"}, TWO),
}


DEFAULT = {"hyperband", "rungs of two"}


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=() if case in DEFAULT else pytest.mark.slow) for case in PRUNERS]
)
def test_reopened_inside_every_trial(case: str, tmp_path: Path) -> None:
    pruner, objectives = PRUNERS[case]
    changes = {"pruner": pruner, "objectives": objectives, "training": {"epochs": 3}}
    whole = told(finish(make(tmp_path / "whole", **changes)))
    study = make(tmp_path / "parts", **changes)
    ledger = opened(study)
    for number in range(len(whole)):
        ledger.ask()
        ledger = opened(study)  # the trial is RUNNING, its driver gone
        work(ledger, ledger.trials()[number])
    assert told(ledger) == whole
    assert {state for _, state, *_ in whole} == {"COMPLETE", "PRUNED", "FAIL"}


def test_what_the_storage_remembers(tmp_path: Path) -> None:
    study = make(tmp_path, pruner={"name": "median", "n_startup_trials": 2}, budget={"trials": 20})
    ledger = finish(study)
    plain = optuna.load_study(study_name=study.name, storage=study.storage)
    states = [trial.state.name for trial in plain.trials]
    assert states == [trial.state for trial in ledger.trials()]
    assert {"PRUNED", "COMPLETE", "FAIL"} == set(states)
    for trial, ours in zip(plain.trials, ledger.trials(), strict=True):
        if ours.state == "PRUNED":
            last = max(trial.intermediate_values)
            assert ours.reason == f"pruned after epoch {last}"
            assert trial.intermediate_values[last] == ours.metrics["val_loss"]
            assert trial.value == ours.metrics["val_loss"]  # Optuna gives a pruned trial its last report
            assert sorted(trial.intermediate_values) == list(range(1, last + 1))
        elif ours.state == "COMPLETE":
            assert sorted(trial.intermediate_values) == [1, 2, 3]
            assert trial.values == list(ours.values)
        assert trial.user_attrs["metrics"] == ours.metrics
        assert trial.user_attrs["config"] == ours.config


def test_without_a_pruner_nothing_is_reported_to_optuna(tmp_path: Path) -> None:
    study = make(tmp_path, objectives=TWO)
    ledger = opened(study)
    number = ledger.ask().number
    assert ledger.report(number, Row(1, 0, {"val_loss": 9.0, "val_accuracy": 0.0})) is False
    tell(ledger, number, "COMPLETE", {"val_loss": 9.0, "val_accuracy": 0.0})
    assert optuna.load_study(study_name=study.name, storage=study.storage).trials[0].intermediate_values == {}


def test_an_objective_that_is_not_a_number_is_a_failure(tmp_path: Path) -> None:
    study = make(tmp_path, objectives=TWO)
    ledger = opened(study)
    number = ledger.ask().number
    told = tell(ledger, number, "COMPLETE", {"val_loss": float("nan"), "val_accuracy": 0.5})
    assert (told.state, told.reason, told.values) == ("FAIL", "val_loss is not a number", ())
    assert optuna.load_study(study_name=study.name, storage=study.storage).trials[0].state.name == "FAIL"
    tell(ledger, ledger.ask().number, "COMPLETE", {"val_loss": float("inf"), "val_accuracy": 0.5})
    assert [row.number for row in read_study(study.storage, study.name).front] == [1]

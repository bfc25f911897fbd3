"""Each pruner's decisions, against plain Optuna's on the same curves, and after restarts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import optuna
import pytest
from optuna.pruners import (
    BasePruner,
    HyperbandPruner,
    MedianPruner,
    PatientPruner,
    PercentilePruner,
    SuccessiveHalvingPruner,
    ThresholdPruner,
    WilcoxonPruner,
)
from optuna.samplers import TPESampler
from optuna.trial import TrialState

from search.cells import ONE, TWO, UP, drawn, problem
from search.pruners.judged import Judged
from sparsetune.base.seeds import mix
from sparsetune.config.study.file import Objective
from sparsetune.config.study.problem import Problem
from sparsetune.search.pruners import PRUNERS
from sparsetune.search.samplers import SAMPLERS
from sparsetune.search.space import quiet

EPOCHS = 9
TRIALS = 16

# a pruner's settings and Optuna's own; Optuna's steps are our epochs, counted from 1
CASES: dict[str, tuple[dict[str, Any], Callable[[], BasePruner]]] = {
    "median": ({"n_startup_trials": 0}, lambda: MedianPruner(n_startup_trials=0, n_warmup_steps=1)),
    "median late": (
        {"n_startup_trials": 3, "n_warmup_epochs": 2, "interval_epochs": 2, "n_min_trials": 2},
        lambda: MedianPruner(n_startup_trials=3, n_warmup_steps=3, interval_steps=2, n_min_trials=2),
    ),
    "percentile": (
        {"percentile": 70.0, "n_startup_trials": 2},
        lambda: PercentilePruner(70.0, n_startup_trials=2, n_warmup_steps=1),
    ),
    "asha": ({}, lambda: SuccessiveHalvingPruner(min_resource=1)),
    "asha twos": (
        {"min_epochs": 2, "reduction_factor": 2, "min_early_stopping_rate": 1},
        lambda: SuccessiveHalvingPruner(min_resource=2, reduction_factor=2, min_early_stopping_rate=1),
    ),
    "asha bootstrapped": (
        {"reduction_factor": 2, "bootstrap_count": 2},
        lambda: SuccessiveHalvingPruner(min_resource=1, reduction_factor=2, bootstrap_count=2),
    ),
    "hyperband": ({}, lambda: HyperbandPruner(max_resource=EPOCHS)),
    "hyperband twos": (
        {"min_epochs": 2, "reduction_factor": 2, "bootstrap_count": 1},
        lambda: HyperbandPruner(min_resource=2, max_resource=EPOCHS, reduction_factor=2, bootstrap_count=1),
    ),
    "patient": ({"patience": 1, "min_delta": 0.1}, lambda: PatientPruner(None, patience=1, min_delta=0.1)),
    "patient median": (
        {"patience": 0, "pruner": {"name": "median", "n_startup_trials": 1}},
        lambda: PatientPruner(MedianPruner(n_startup_trials=1, n_warmup_steps=1), patience=0),
    ),
    "patient asha": (
        {"patience": 0, "pruner": {"name": "asha", "reduction_factor": 2}},
        lambda: PatientPruner(SuccessiveHalvingPruner(min_resource=1, reduction_factor=2), patience=0),
    ),
    "threshold": (
        {"upper": 1.2, "lower": 0.1, "n_warmup_epochs": 1, "interval_epochs": 3},
        lambda: ThresholdPruner(upper=1.2, lower=0.1, n_warmup_steps=2, interval_steps=3),
    ),
}

# the objective itself; a gate beside one objective, and beside two
PLACES: dict[str, tuple[Problem, dict[str, Any]]] = {
    "objective": (problem(objectives=ONE, epochs=EPOCHS), {}),
    "objective up": (problem(objectives=UP, epochs=EPOCHS), {}),
    "gate": (problem(objectives=TWO, epochs=EPOCHS), {"metric": "val_loss"}),
    "gate up": (problem(objectives=ONE, epochs=EPOCHS), {"metric": "val_accuracy"}),
}


def alone(pruner: str, of: Problem) -> dict[str, Any]:
    """What makes a gate stop what is on the front, too, as Optuna's pruner would."""
    several = len(of.objectives) > 1
    return {"keep_front": False} if several and "keep_front" in PRUNERS.get(pruner).Config.model_fields else {}


def curve(number: int) -> list[float]:
    """Learning curves that cross."""
    return [((7 * number + 3) % 11 + number * epoch % 5) / 10 for epoch in range(1, EPOCHS + 1)]


@pytest.mark.parametrize("restarts", [False, True], ids=["whole", "restarts"])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("case", CASES)
def test_decisions_are_optunas(case: str, place: str, restarts: bool) -> None:
    """Two trials at a time, their epochs interleaved, the second one first; every fifth fails after three epochs."""
    settings, plain_pruner = CASES[case]
    of, gate = PLACES[place]
    metric = gate.get("metric", of.objectives[0].metric)
    ours = Judged(of, case.split()[0], **settings, **gate, **alone(case.split()[0], of))
    with quiet():
        plain = optuna.create_study(
            study_name=of.name,
            direction="maximize" if metric == "val_accuracy" else "minimize",
            pruner=plain_pruner(),
        )
    decisions = []
    for pair in range(0, TRIALS, 2):
        running = {ours.ask().number: plain.ask() for _ in range(2)}
        for epoch in range(1, EPOCHS + 1):
            for number, trial in sorted(running.items(), reverse=True):
                value = curve(number)[epoch - 1]
                stop = ours.report(number, epoch, **{metric: value})
                trial.report(value, epoch)
                assert stop == trial.should_prune(), (pair, number, epoch)
                decisions.append(stop)
                if stop or (number % 5 == 4 and epoch == 3):
                    ours.end(number, "PRUNED" if stop else "FAIL")
                    plain.tell(trial, state=TrialState.PRUNED if stop else TrialState.FAIL)
                    del running[number]
        for number, trial in running.items():
            ours.end(number, "COMPLETE", curve(number)[-1])
            plain.tell(trial, curve(number)[-1])
        if restarts:
            ours.restart()
    assert any(decisions)
    assert not all(decisions)


@pytest.mark.parametrize("objectives", [ONE, TWO], ids=["objective", "gate"])
@pytest.mark.parametrize("restarts", [False, True], ids=["whole", "restarts"])
def test_wilcoxon_is_optunas(restarts: bool, objectives: tuple[Objective, ...]) -> None:
    """Steps are replicates, a trial is worth their mean, and what is known only at the end counts too."""
    of = problem(objectives=objectives, replicates=8)
    settings = {"p_threshold": 0.2, "n_startup_replicates": 3, **alone("wilcoxon", of)}
    ours = Judged(of, "wilcoxon", metric="val_loss", **settings)
    with quiet():
        plain = optuna.create_study(pruner=WilcoxonPruner(p_threshold=0.2, n_startup_steps=3))
    stopped = []
    for number in range(12):
        trial = plain.ask()
        assert ours.ask().number == number
        values = curve(number)[:8]
        assert not ours.report(number, 1, val_loss=99.0)
        for index, value in enumerate(values):
            stop = ours.stopper.replicate(number, index, {"val_loss": value})
            trial.report(value, index)
            assert stop == trial.should_prune(), (number, index)
            if stop:
                stopped.append(index)
                ours.end(number, "PRUNED")
                plain.tell(trial, state=TrialState.PRUNED)
                break
        else:
            ours.end(number, "COMPLETE", sum(values) / len(values))
            plain.tell(trial, sum(values) / len(values))
        if restarts:
            ours.restart()
    assert stopped
    assert min(stopped) >= 2


@pytest.mark.parametrize("sampler", ["tpe", "nsga2"])
@pytest.mark.parametrize("restarts", [False, True], ids=["whole", "restarts"])
def test_hyperband_with_a_sampler(restarts: bool, sampler: str) -> None:
    """Proposals and decisions are those of a plain loop, in which samplers are shown a study of the bracket."""
    settings: dict[str, Any] = {"tpe": {"n_startup_trials": 3}, "nsga2": {"population_size": 3}}[sampler]
    of = problem(epochs=EPOCHS)
    ours = Judged(of, "hyperband", reduction_factor=3)
    plain = optuna.create_study(study_name=of.name, pruner=HyperbandPruner(max_resource=EPOCHS))
    entry = SAMPLERS.get(sampler)
    config = entry.Config(name=sampler, **settings)
    plainly = {"tpe": TPESampler, "nsga2": optuna.samplers.NSGAIISampler}[sampler]
    for number in range(25):
        ours.copy.sampler = entry.make(config, of, number)
        plain.sampler = plainly(**settings, seed=mix(of.seed, number))
        mine, theirs = ours.ask(), plain.ask()
        for trial in (mine, theirs):
            drawn(trial, of.parameters)
        assert mine.params == theirs.params
        losses = [(mine.params["z"] - 0.7) ** 2 + mine.params["k"] / epoch for epoch in range(1, EPOCHS + 1)]
        for epoch, loss in enumerate(losses, 1):
            stop = ours.report(number, epoch, val_loss=loss)
            theirs.report(loss, epoch)
            assert stop == theirs.should_prune()
            if stop:
                break
        ours.end(number, "PRUNED" if stop else "COMPLETE", losses[-1])
        if stop:
            plain.tell(theirs, state=TrialState.PRUNED)
        else:
            plain.tell(theirs, losses[-1])
        if restarts:
            ours.restart()
    assert {trial.state for trial in plain.trials} == {TrialState.PRUNED, TrialState.COMPLETE}


def test_every_pruner_of_optunas_is_compared() -> None:
    assert {case.split()[0] for case in CASES} | {"wilcoxon", "none", "hypervolume"} == set(PRUNERS.names())

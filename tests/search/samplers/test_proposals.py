"""What each sampler proposes, against a plain Optuna loop and against itself after restarts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import optuna
import pytest
from optuna.samplers import (
    BaseSampler,
    CmaEsSampler,
    GPSampler,
    GridSampler,
    NSGAIIISampler,
    NSGAIISampler,
    QMCSampler,
    RandomSampler,
    TPESampler,
    nsgaii,
)

from search.cells import CONDITIONAL, FLAT, NUMBERS, TWO, UP, drawn, new_study, problem, rebuilt, run, sampler_config
from sparsetune.base.seeds import mix
from sparsetune.config.space.parameters import Choice, Float
from sparsetune.config.study.problem import Problem
from sparsetune.search.samplers import SAMPLERS
from sparsetune.search.space import quiet

TRIALS = 25
FEW = {name: FLAT[name] for name in ("z", "kind")}
GP_STARTUP = 20  # of 22 that complete: a proposal takes a second

# name: its settings, Optuna's sampler for a seed, and the problems
CASES: dict[str, tuple[dict[str, Any], Callable[[int], BaseSampler], list[Problem]]] = {
    "tpe": (
        {"n_startup_trials": 4},
        lambda seed: TPESampler(n_startup_trials=4, seed=seed),
        [
            problem(),
            problem(objectives=UP),
            problem(objectives=TWO),
            problem(CONDITIONAL, objectives=TWO),
            problem(constraints=1),
            problem(objectives=TWO, constraints=2),
        ],
    ),
    "tpe independent": (
        {"n_startup_trials": 4, "multivariate": False, "n_ei_candidates": 9, "constant_liar": False},
        lambda seed: TPESampler(
            n_startup_trials=4, multivariate=False, n_ei_candidates=9, constant_liar=False, seed=seed
        ),
        [problem(), problem(CONDITIONAL)],
    ),
    "tpe joint": (
        {"n_startup_trials": 4, "multivariate": True, "group": False},
        lambda seed: TPESampler(n_startup_trials=4, multivariate=True, seed=seed),
        [problem(objectives=TWO), problem(CONDITIONAL)],
    ),
    "tpe grouped": (
        {"n_startup_trials": 4, "multivariate": True},
        lambda seed: TPESampler(n_startup_trials=4, multivariate=True, group=True, seed=seed),
        [problem(CONDITIONAL), problem(CONDITIONAL, objectives=TWO, constraints=1)],
    ),
    "tpe grouped by itself": (
        {"n_startup_trials": 4},
        lambda seed: TPESampler(n_startup_trials=4, group=True, seed=seed),
        [problem(CONDITIONAL), problem(CONDITIONAL, constraints=1)],
    ),
    "tpe grouped by hand": (
        {"n_startup_trials": 4, "group": True},
        lambda seed: TPESampler(n_startup_trials=4, multivariate=True, group=True, seed=seed),
        [problem(CONDITIONAL, objectives=TWO)],
    ),
    "gp": (
        {"n_startup_trials": GP_STARTUP},
        lambda seed: GPSampler(n_startup_trials=GP_STARTUP, seed=seed),
        [
            problem(FEW),
            problem(FEW, objectives=TWO),
            problem(FEW, constraints=2),
            problem(FEW, objectives=TWO, constraints=1),
        ],
    ),
    "gp exact": (
        {"n_startup_trials": GP_STARTUP, "deterministic_objective": True},
        lambda seed: GPSampler(n_startup_trials=GP_STARTUP, deterministic_objective=True, seed=seed),
        [problem(FEW)],
    ),
    "cmaes": (
        {},
        lambda seed: CmaEsSampler(seed=seed),
        [problem(NUMBERS), problem(NUMBERS, objectives=UP), problem({"z": NUMBERS["z"]})],
    ),
    "cmaes separable": (
        {"n_startup_trials": 3, "popsize": 5, "sigma0": 0.3, "use_separable_cma": True},
        lambda seed: CmaEsSampler(n_startup_trials=3, popsize=5, sigma0=0.3, use_separable_cma=True, seed=seed),
        [problem(NUMBERS)],
    ),
    "cmaes with margin": (
        {"popsize": 4, "with_margin": True},
        lambda seed: CmaEsSampler(popsize=4, with_margin=True, seed=seed),
        [problem(NUMBERS)],
    ),
    "cmaes adapting": (
        {"popsize": 4, "lr_adapt": True, "consider_pruned_trials": True},
        lambda seed: CmaEsSampler(popsize=4, lr_adapt=True, consider_pruned_trials=True, seed=seed),
        [problem(NUMBERS)],
    ),
    "nsga2": (
        {"population_size": 4},
        lambda seed: NSGAIISampler(population_size=4, seed=seed),
        [
            problem(),
            problem(objectives=TWO),
            problem(CONDITIONAL, objectives=TWO),
            problem(constraints=1),
            problem(objectives=TWO, constraints=1),
        ],
    ),
    "nsga2 sbx": (
        {"population_size": 4, "crossover": "sbx", "mutation_prob": 0.2, "crossover_prob": 0.7, "swapping_prob": 0.4},
        lambda seed: NSGAIISampler(
            population_size=4,
            crossover=nsgaii.SBXCrossover(),
            mutation_prob=0.2,
            crossover_prob=0.7,
            swapping_prob=0.4,
            seed=seed,
        ),
        [problem(objectives=TWO)],
    ),
    "nsga3": (
        {"population_size": 4, "dividing_parameter": 2, "swapping_prob": 0.3},
        lambda seed: NSGAIIISampler(population_size=4, dividing_parameter=2, swapping_prob=0.3, seed=seed),
        [
            problem(),
            problem(objectives=TWO),
            problem(CONDITIONAL, objectives=TWO),
            problem(objectives=TWO, constraints=1),
        ],
    ),
    "random": (
        {},
        lambda seed: RandomSampler(seed=seed),
        [problem(), problem(CONDITIONAL, objectives=TWO, constraints=1)],
    ),
}


ROWS = [
    pytest.param(name, each, id=f"{name} {index}", marks=pytest.mark.slow if name[:2] == "gp" and index else ())
    for name, (_, _, problems) in CASES.items()
    for index, each in enumerate(problems)
]


@pytest.mark.parametrize(("case", "of"), ROWS)
def test_proposals_are_those_of_a_plain_loop(case: str, of: Problem) -> None:
    """Whose sampler is made anew for each trial, with the same seed; then with the study rebuilt before each ask."""
    settings, plain, _ = CASES[case]
    name = case.split()[0]
    prunes = name != "gp"  # Optuna's overlooks what was pruned, ours does not
    config = sampler_config(name, **settings)
    entry = SAMPLERS.get(name)
    entry.refuse(config, of)

    def ours(number: int) -> BaseSampler:
        made: BaseSampler = entry.make(config, of, number)
        return made

    with quiet():  # grouping in spite of several objectives, as Optuna words it
        theirs = [trial.params for trial in run(of, lambda number: plain(mix(of.seed, number)), TRIALS, prunes=prunes)]
    assert [trial.params for trial in run(of, ours, TRIALS, prunes=prunes)] == theirs
    assert [trial.params for trial in run(of, ours, TRIALS, prunes=prunes, between=rebuilt)] == theirs
    assert len({repr(params) for params in theirs}) > TRIALS // 2


ORDERED: dict[str, tuple[dict[str, Any], Callable[[], BaseSampler], Problem]] = {
    "qmc": ({}, lambda: QMCSampler(seed=7), problem()),
    "qmc halton": ({"qmc_type": "halton"}, lambda: QMCSampler(qmc_type="halton", seed=7), problem(objectives=TWO)),
    "qmc scrambled": ({"scramble": True}, lambda: QMCSampler(scramble=True, seed=7), problem(constraints=1)),
    "qmc halton scrambled": (
        {"qmc_type": "halton", "scramble": True},
        lambda: QMCSampler(qmc_type="halton", scramble=True, seed=7),
        problem(NUMBERS),
    ),
    "grid": (
        {},
        lambda: GridSampler({"k": [1, 3, 5, 7, 9], "z": [0.1, 0.2, 0.3], "kind": ["a", None]}, seed=7),
        problem({"z": Float(low=0.1, high=0.3, step=0.1), "k": NUMBERS["k"], "kind": Choice(values=("a", None))}),
    ),
}


@pytest.mark.parametrize("case", ORDERED)
def test_one_order(case: str) -> None:
    """That of one long-lived sampler of Optuna's, where each trial is told before the next is asked for."""
    settings, plain, of = ORDERED[case]
    name = case.split()[0]
    config = sampler_config(name, **settings)
    entry = SAMPLERS.get(name)
    entry.refuse(config, of)
    with quiet():
        sampler = plain()
        theirs = points(of, lambda _: sampler)
    assert points(of, lambda number: entry.make(config, of, number)) == theirs
    assert points(of, lambda number: entry.make(config, of, number), between=rebuilt) == theirs


def points(of: Problem, sampler: Callable[[int], BaseSampler], between: Any = lambda study: study) -> list[Any]:
    study = new_study(of)
    found = []
    for number in range(TRIALS):
        study = between(study)
        study.sampler = sampler(number)
        trial = study.ask()
        drawn(trial, of.parameters)
        found.append(trial.params)
        study._storage.set_trial_state_values(
            trial._trial_id, optuna.trial.TrialState.COMPLETE, [1.0] * len(of.objectives)
        )
    return found

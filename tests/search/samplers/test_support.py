"""What each sampler is refused with, and that it proposes with all the rest."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from typing import Any

import optuna
import pytest

from search.cells import CONDITIONAL, FLAT, NUMBERS, ONE, TWO, problem, run, sampler_config
from sparsetune.base.errors import BadInput
from sparsetune.config.space.parameters import Choice, Float, Int, Parameter
from sparsetune.config.study.problem import Problem
from sparsetune.search.samplers import SAMPLERS

SETTINGS: dict[str, dict[str, Any]] = {
    "tpe": {"n_startup_trials": 4},
    "gp": {"n_startup_trials": 8},
    "nsga2": {"population_size": 4},
    "nsga3": {"population_size": 4},
}
STEPPED: dict[str, Parameter] = {"z": Float(low=-2.0, high=2.0, step=0.5), "k": Int(low=1, high=9, step=2)}
SPACES = {"flat": STEPPED, "conditional": CONDITIONAL}
OBJECTIVES = {"single": ONE, "multi": TWO}
CONSTRAINTS = {"free": 0, "constrained": 1}

APART = "wants a space without `when`, found it at y: Optuna draws such parameters at random, apart from the "
MANY = "'cmaes' wants one objective, found 2; allowed: tpe, gp, nsga2 and more"
BOUND = "'cmaes' ignores constraints; allowed: tpe, gp, nsga2, nsga3"
REFUSED = {
    **{("gp", "conditional", goals, bound): APART + "model" for goals in OBJECTIVES for bound in CONSTRAINTS},
    **{("qmc", "conditional", goals, bound): APART + "sequence" for goals in OBJECTIVES for bound in CONSTRAINTS},
    **{
        ("grid", "conditional", goals, bound): "wants a space without `when`, found it at y: combinations would differ "
        for goals in OBJECTIVES
        for bound in CONSTRAINTS
    },
    ("cmaes", "flat", "single", "constrained"): BOUND,
    ("cmaes", "flat", "multi", "free"): MANY,
    ("cmaes", "flat", "multi", "constrained"): MANY,
    ("cmaes", "conditional", "single", "free"): APART + "strategy",
    ("cmaes", "conditional", "single", "constrained"): APART + "strategy",
    ("cmaes", "conditional", "multi", "free"): MANY,
    ("cmaes", "conditional", "multi", "constrained"): MANY,
}


@pytest.mark.parametrize(
    ("name", "space", "goals", "bound"), list(itertools.product(SAMPLERS.names(), SPACES, OBJECTIVES, CONSTRAINTS))
)
def test_each_combination_proposes_or_is_refused(name: str, space: str, goals: str, bound: str) -> None:
    of = problem(SPACES[space], objectives=OBJECTIVES[goals], constraints=CONSTRAINTS[bound])
    config = sampler_config(name, **SETTINGS.get(name, {}))
    entry = SAMPLERS.get(name)
    reason = REFUSED.get((name, space, goals, bound))
    if reason is not None:
        with pytest.raises(BadInput, match=re.escape(reason)) as caught:
            entry.refuse(config, of)
        assert caught.value.key == "sampler.name"
        return
    entry.refuse(config, of)
    trials = run(of, lambda number: entry.make(config, of, number), 12)
    assert len(trials) == 12
    for trial in trials:
        wanted = {key for key, each in of.parameters.items() if _drawn(each, trial.params)}
        assert trial.params.keys() == wanted
    assert len({repr(trial.params) for trial in trials}) > 6


def _drawn(parameter: Parameter, params: dict[str, Any]) -> bool:
    return all(params[key] in wanted for key, wanted in parameter.when.items())


@pytest.mark.parametrize("name", SAMPLERS.names())
def test_a_space_without_parameters(name: str) -> None:
    of = problem({})
    config = sampler_config(name)
    entry = SAMPLERS.get(name)
    entry.refuse(config, of)
    size = entry.size(config, of)
    trials = run(of, lambda number: entry.make(config, of, number), size or 12)
    assert {repr(trial.params) for trial in trials} == {"{}"}


@pytest.mark.parametrize("crossover", ["uniform", "blxalpha", "sbx", "spx", "undx", "vsbx"])
@pytest.mark.parametrize("space", [{"z": NUMBERS["z"]}, {"kind": CONDITIONAL["kind"]}, NUMBERS], ids=range(3))
@pytest.mark.parametrize("name", ["nsga2", "nsga3"])
def test_each_crossover_has_children(name: str, space: dict[str, Parameter], crossover: str) -> None:
    of = problem(space, objectives=TWO)
    config = sampler_config(name, population_size=3, crossover=crossover)
    run(of, lambda number: SAMPLERS.get(name).make(config, of, number), 12)


def reason(name: str, of: Problem, **settings: Any) -> str:
    with pytest.raises(BadInput) as caught:
        SAMPLERS.get(name).refuse(sampler_config(name, **settings), of)
    return str(caught.value)


def test_what_else_is_refused_of_problems() -> None:
    assert reason("grid", problem(NUMBERS)) == (
        "sampler.name: 'grid' wants a step for each float, found z without; "
        "allowed: a step, a choice of values, or another sampler"
    )
    huge: dict[str, Parameter] = {f"k{index}": Int(low=1, high=100) for index in range(9)}
    with pytest.raises(BadInput, match="1,000,000,000,000,000,000 points") as caught:
        SAMPLERS.get("grid").refuse(sampler_config("grid"), problem(huge))
    assert (caught.value.key, caught.value.allowed) == ("sampler.name", "100,000 at most")
    assert reason("cmaes", problem(dict(STEPPED, kind=Choice(values=("a", "b"))))) == (
        "sampler.name: 'cmaes' wants numbers, found a choice at kind, which Optuna would draw at random; "
        "allowed: tpe, gp, nsga2, or the choice as a factor"
    )
    assert reason("cmaes", problem({"z": NUMBERS["z"]}), use_separable_cma=True) == (
        "sampler.use_separable_cma: wants two parameters, found one"
    )


GROUP = "found group: true with multivariate: false, allowed: group with multivariate"
KINDS = "found with_margin and lr_adapt, allowed: one of use_separable_cma, with_margin, lr_adapt"
CROSSOVERS = "allowed: 'uniform', 'blxalpha', 'sbx', 'spx', 'undx' or 'vsbx'"


@pytest.mark.parametrize(
    ("name", "settings", "line"),
    [
        ("tpe", {"group": True, "multivariate": False}, f"sampler: {GROUP}"),
        ("tpe", {"n_ei_candidates": 0}, "sampler.n_ei_candidates: found 0, allowed: at least 1"),
        ("cmaes", {"lr_adapt": True, "with_margin": True}, f"sampler: {KINDS}"),
        ("cmaes", {"popsize": 3}, "sampler.popsize: found 3, allowed: at least 4"),
        ("nsga2", {"crossover": "undx", "population_size": 2}, "sampler: 'undx' wants a population_size of 3, found 2"),
        ("nsga3", {"crossover": "one"}, f"sampler.crossover: found 'one', {CROSSOVERS}"),
        ("qmc", {"qmc_type": "lattice"}, "sampler.qmc_type: found 'lattice', allowed: 'sobol' or 'halton'"),
        ("random", {"seed": 1}, "sampler.seed: unknown key 'seed' (allowed: name)"),
    ],
)
def test_bad_settings(name: str, settings: dict[str, Any], line: str) -> None:
    with pytest.raises(BadInput) as caught:
        sampler_config(name, **settings)
    assert str(caught.value) == line


def test_the_grid_has_each_point_once() -> None:
    of = problem({**STEPPED, "kind": Choice(values=(True, None, 2))})
    config = sampler_config("grid")
    grid = SAMPLERS.get("grid")
    assert grid.size(config, of) == 9 * 5 * 3
    trials = run(of, lambda number: grid.make(config, of, number), 9 * 5 * 3)
    assert {tuple(trial.params.values()) for trial in trials} == set(
        itertools.product([-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0], [1, 3, 5, 7, 9], [True, None, 2])
    )
    assert all(SAMPLERS.get(name).size(sampler_config(name), of) is None for name in SAMPLERS.names() if name != "grid")


@pytest.mark.parametrize("name", ["qmc", "grid"])
def test_points_are_functions_of_numbers(name: str) -> None:
    """Whatever has been asked before, and is still running or lost."""
    of = problem(STEPPED)
    config = sampler_config(name)
    entry = SAMPLERS.get(name)
    whole = [trial.params for trial in run(of, lambda number: entry.make(config, of, number), 10)]
    memory = optuna.create_study()
    for number in (7, 2, 9):
        memory.sampler = entry.make(config, of, number)
        assert memory.ask(_distributions(of)).params == whole[number]


def _distributions(of: Problem) -> dict[str, Any]:
    from sparsetune.search.space import distribution

    return {name: distribution(parameter) for name, parameter in of.parameters.items()}


def test_optuna_is_quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Parameters that a sampler leaves to chance, of which Optuna has a log line at each draw."""
    optuna.logging.enable_propagation()
    try:
        for name in ("tpe", "nsga2"):
            entry, config = SAMPLERS.get(name), sampler_config(name)
            run(problem(CONDITIONAL), lambda number, e=entry, c=config: e.make(c, problem(CONDITIONAL), number), 14)  # type: ignore[misc]
        for name in ("cmaes", "qmc"):
            entry, config = SAMPLERS.get(name), sampler_config(name)
            run(problem(STEPPED), lambda number, e=entry, c=config: e.make(c, problem(STEPPED), number), 8)  # type: ignore[misc]
    finally:
        optuna.logging.disable_propagation()
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == []


def test_names_load_without_optuna() -> None:
    """Reading a study file and refusing what it asks for must not take a second."""
    program = (
        "import sys; from sparsetune.search.samplers import SAMPLERS; from sparsetune.search.pruners import PRUNERS;"
        "[SAMPLERS.get(name).Config for name in SAMPLERS.names()];"
        "[PRUNERS.get(name).Config for name in PRUNERS.names() if name != 'hypervolume'];"
        "print(sorted({'optuna', 'torch', 'scipy', 'numpy'} & sys.modules.keys()))"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    assert said.stdout.strip() == "[]"


RANDOM_NOW: dict[str, tuple[dict[str, Parameter], dict[str, Any], str]] = {
    "one": ({"z": NUMBERS["z"]}, {}, "one parameter that all trials share"),
    "one, by another crossover": (
        {"y": NUMBERS["y"]},
        {"crossover": "blxalpha"},
        "one parameter that all trials share",
    ),
    "one choice": ({"kind": Choice(values=("a", "b"))}, {}, "one parameter that all trials share"),
    "one and a constant": ({"z": NUMBERS["z"], "one": FLAT["one"]}, {}, "one parameter that all trials share"),
    "one and its own": (
        {"kind": CONDITIONAL["kind"], "m": CONDITIONAL["m"]},
        {},
        "one parameter that all trials share",
    ),
    "a constant": ({"one": FLAT["one"]}, {}, "no parameter that all trials share"),
    "all drawn anew": (NUMBERS, {"mutation_prob": 1.0}, "mutation_prob: 1"),
    "two": ({"z": NUMBERS["z"], "k": NUMBERS["k"]}, {}, ""),
    "one with a mutation_prob": ({"z": NUMBERS["z"]}, {"mutation_prob": 0.3}, ""),
    "nothing": ({}, {}, ""),
}


@pytest.mark.parametrize("name", ["nsga2", "nsga3"])
@pytest.mark.parametrize(("parameters", "options", "why"), RANDOM_NOW.values(), ids=RANDOM_NOW)
def test_generations_that_are_random_say_so(
    name: str, parameters: dict[str, Parameter], options: dict[str, Any], why: str
) -> None:
    found = SAMPLERS.get(name).remarks(sampler_config(name, **options), problem(parameters))
    line = f"{name} is random search here, for it has {why}; tpe and gp learn from what has been tried"
    assert found == ([line] if why else [])


@pytest.mark.parametrize(("parameters", "random"), [({"z": NUMBERS["z"]}, True), (dict(NUMBERS), False)])
def test_they_are(parameters: dict[str, Parameter], random: bool) -> None:
    """What is drawn does not depend on what has been tried."""
    of, config = problem(parameters), sampler_config("nsga2", population_size=3)
    trials = run(of, lambda number: SAMPLERS.get("nsga2").make(config, of, number), 20)
    alone = sampler_config("random")
    drawn = run(of, lambda number: SAMPLERS.get("random").make(alone, of, number), 20)
    assert ([each.params for each in trials] == [each.params for each in drawn]) == random


@pytest.mark.parametrize("name", ["tpe", "gp", "cmaes", "qmc", "random"])
def test_others_have_nothing_to_say(name: str) -> None:
    assert SAMPLERS.get(name).remarks(sampler_config(name), problem({"z": NUMBERS["z"]})) == []

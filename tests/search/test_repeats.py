"""No sampler tries a point again that failed or was pruned, where floats vary."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study as OptunaStudy
from optuna.trial import FrozenTrial

from sparsetune.base.messages import State
from sparsetune.config.base import Part
from sparsetune.config.study.load import load_study
from sparsetune.config.study.problem import Problem
from sparsetune.search.cell import Cell
from sparsetune.search.samplers.contract import Sampler

from .toys import KNOWN, make, write

ENDS = {"method.x": 1.0, "method.y": 1.0, "method.k": 9, "method.kind": "a"}


class Stubborn(Sampler):
    """Proposes one point for ever, one parameter at a time."""

    class Config(Part):
        name: Literal["stubborn"] = "stubborn"

    @classmethod
    def make(cls, config: Any, problem: Problem, number: int) -> BaseSampler:
        class Point(BaseSampler):
            def infer_relative_search_space(
                self, study: OptunaStudy, trial: FrozenTrial
            ) -> dict[str, BaseDistribution]:
                return {}

            def sample_relative(
                self, study: OptunaStudy, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
            ) -> dict[str, Any]:
                return {}

            def sample_independent(
                self, study: OptunaStudy, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
            ) -> Any:
                study._storage.set_trial_system_attr(trial._trial_id, "stubborn", number)
                return ENDS[param_name]

        return Point()


STUBBORN = replace(KNOWN, sampler=KNOWN.sampler.extended({"stubborn": Stubborn}))
FLOAT, LOG = {"float": [-2.0, 2.0]}, {"float": [1.0e-3, 1.0], "log": True}
STEPS, INT, CHOICE = {"float": [-2.0, 2.0], "step": 0.5}, {"int": [1, 9]}, {"choice": ["a", "b"]}
ENDLESS: dict[str, dict[str, Any]] = {
    "float": {"method.x": FLOAT},
    "log float": {"method.y": LOG},
    "two floats": {"method.x": FLOAT, "method.y": LOG},
    "float and choice": {"method.x": FLOAT, "method.kind": CHOICE},
    "float and int": {"method.k": INT, "method.x": FLOAT},
    "float and steps": {"method.x": STEPS, "method.y": LOG},
    "float where it is drawn": {"method.kind": CHOICE, "method.x": {**FLOAT, "when": {"method.kind": "a"}}},
}
COUNTED: dict[str, dict[str, Any]] = {
    "steps": {"method.x": STEPS},
    "int": {"method.k": INT},
    "int in steps": {"method.k": {"int": [1, 9], "step": 2}},
    "log int": {"method.k": {**INT, "log": True}},
    "choice": {"method.kind": CHOICE},
    "int and choice": {"method.k": INT, "method.kind": CHOICE},
    "float where it is not drawn": {"method.kind": CHOICE, "method.x": {**FLOAT, "when": {"method.kind": "b"}}},
}


def stubborn(root: Path, space: dict[str, Any], state: State, *, again: bool = False) -> list[FrozenTrial]:
    """Two trials, of which the first ends so; ``again``: the search is built anew before the second."""
    study = load_study(write(root, space=space, sampler="stubborn"), lambda imports: STUBBORN)
    cell = Cell(study, {})
    cell.ask()
    first = cell.tell(0, state, [1.0] if state == "COMPLETE" else None, {}, {})
    if again:
        cell = Cell(study, {})
        cell.restore(first)
    return [first, cell.ask()[0]]


@pytest.mark.parametrize("state", ["FAIL", "PRUNED"])
@pytest.mark.parametrize("space", ENDLESS.values(), ids=ENDLESS)
def test_another_point_where_floats_vary(space: dict[str, Any], state: State, tmp_path: Path) -> None:
    first, second = stubborn(tmp_path, space, state)
    assert first.params == {name: ENDS[name] for name in space}
    assert second.params != first.params
    anew = stubborn(tmp_path, space, state, again=True)
    assert [trial.params for trial in anew] == [first.params, second.params], "as if it had never stopped"


@pytest.mark.parametrize("space", COUNTED.values(), ids=COUNTED)
def test_what_can_be_counted_may_come_again(space: dict[str, Any], tmp_path: Path) -> None:
    first, second = stubborn(tmp_path, space, "FAIL", again=True)
    assert first.params == second.params


def test_what_is_complete_may_come_again(tmp_path: Path) -> None:
    first, second = stubborn(tmp_path, ENDLESS["two floats"], "COMPLETE")
    assert first.params == second.params


def test_a_point_that_is_given_is_taken(tmp_path: Path) -> None:
    cell = Cell(make(tmp_path, space={"method.x": FLOAT}, sampler="random"), {})
    for number in range(2):
        assert cell.ask({"method.x": 0.5})[0].params == {"method.x": 0.5}
        cell.tell(number, "FAIL", None, {}, {})


def test_nothing_is_left_of_the_point_that_is_not_taken(tmp_path: Path) -> None:
    """Neither parameters of its branch nor what the sampler noted of it, by which it would count as its own."""
    first, second = stubborn(tmp_path, ENDLESS["float where it is drawn"], "FAIL")
    assert (first.system_attrs["stubborn"], second.system_attrs) == (0, {})
    assert ("method.x" in second.params) == (second.params["method.kind"] == "a")
    assert second.params.keys() == second.distributions.keys()


UNLUCKY = {
    "tpe": {"n_startup_trials": 2},
    "cmaes": {"popsize": 4, "sigma0": 5.0},  # most of what it draws lies outside and is moved to the edge
    "nsga2": {"population_size": 2, "mutation_prob": 0.0},
    "nsga3": {"population_size": 2, "mutation_prob": 0.0},
    "qmc": {},
    "random": {},
    "gp": {"n_startup_trials": 2},
}


@pytest.mark.parametrize("name", UNLUCKY)
def test_no_sampler_repeats_what_is_lost(name: str, tmp_path: Path) -> None:
    """The best lies beyond an edge in one parameter, where all fails, and a third of the rest is pruned."""
    count = 12 if name == "gp" else 40
    study = make(tmp_path, space={"method.x": FLOAT}, sampler={"name": name, **UNLUCKY[name]})
    cell, lost = Cell(study, {}), set[float]()
    for number in range(count):
        x = cell.ask()[0].params["method.x"]
        assert x not in lost
        state: State = "FAIL" if x > 0.5 else "PRUNED" if number % 3 == 2 else "COMPLETE"
        cell.tell(number, state, [-x] if state == "COMPLETE" else None, {}, {})
        lost |= {x} if state != "COMPLETE" else set()
    assert len(lost) >= count // 4

"""Branches that trials take in turn: equal numbers, searches that know nothing of one another, and going on."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import optuna
import pytest

from sparsetune.base.errors import BadInput
from sparsetune.config.study.study import Study
from sparsetune.search.cell import Cell
from sparsetune.search.definition import refuse_other_meaning
from sparsetune.search.preview import preview

from .begun import begin, go_on
from .test_divided import GRID, KIND, STEPS, TOY, TURNS, X, cells_of
from .toys import SPACE, finish, life, make, opened, told, work

FREE = {"method.x": SPACE["method.x"], "method.k": SPACE["method.k"]}
BRANCHES: dict[str, Any] = {"toy": FREE, "plain": X, "third": None}
NAMES = ["toy", "plain", "third"]
RESUMED = [
    {"sampler": "random", "replicates": 2},
    {"sampler": {"name": "tpe", "n_startup_trials": 2, "multivariate": True}},
    {"sampler": {"name": "cmaes"}},
    {"sampler": "grid", "method": {"factor": GRID["method"]["choose"]}, "pruner": {"name": "percentile"}},
    {"sampler": {"name": "tpe", "n_startup_trials": 2}, "method": {"factor": {"toy": TOY, "plain": X}}},
]


def made(root: Path, **changes: Any) -> Study:
    return make(root, **{"method": {"factor": BRANCHES}, "space": {}, **changes})


def names_of(study: Study) -> list[str]:
    return [trial.params["method.name"] for trial in finish(study).trials()]


def test_branches_take_turns_and_get_equal_numbers(tmp_path: Path) -> None:
    study = made(tmp_path, budget={"trials": 10}, duplicates="allow")
    ledger = finish(study)
    names = [trial.params["method.name"] for trial in ledger.trials()]
    assert names == [*NAMES * 3, "toy"]
    assert [trial.config["method"]["name"] for trial in ledger.trials()] == names
    stored = optuna.load_study(study_name=study.name, storage=study.storage).trials
    assert [trial.params for trial in stored] == [trial.params for trial in ledger.trials()]
    kinds = {repr(trial.distributions["method.name"]) for trial in stored}
    assert kinds == {"CategoricalDistribution(choices=('toy', 'plain', 'third'))"}


@pytest.mark.parametrize("sampler", ["random", "tpe", "cmaes"])
def test_a_branch_is_searched_as_a_study_of_that_method_alone_would_be(sampler: str, tmp_path: Path) -> None:
    changes = {"sampler": {"name": sampler, **({"n_startup_trials": 1} if sampler != "random" else {})}}
    among = finish(made(tmp_path / "among", budget={"trials": 12}, duplicates="allow", **changes)).trials()
    alone = finish(make(tmp_path / "alone", method="toy", space=FREE, budget={"trials": 4}, **changes)).trials()
    said = [(trial.params["toy.x"], trial.params["toy.k"]) for trial in among[::3]]
    assert said == [(trial.params["method.x"], trial.params["method.k"]) for trial in alone]


def test_a_branch_with_factors_has_a_turn_for_each_value(tmp_path: Path) -> None:
    ledger = finish(made(tmp_path, method={"factor": {"toy": TOY, "plain": X}}, budget={"trials": 7}))
    assert cells_of(ledger) == [*TURNS * 2, TURNS[0]]


def test_two_branches_without_factors_have_cells_of_their_own(tmp_path: Path) -> None:
    """Where one is drawn they share one."""
    branches = {"toy": TOY, "plain": X, "third": X}
    assert names_of(made(tmp_path, method={"factor": branches}, budget={"trials": 4})) == ["toy", "toy", *NAMES[1:]]


@pytest.mark.parametrize("changes", RESUMED, ids=lambda changes: str(changes["sampler"]))
def test_reopened_inside_every_trial(changes: dict[str, Any], tmp_path: Path) -> None:
    whole = told(finish(made(tmp_path / "whole", budget={"trials": 12}, **changes)))
    study = made(tmp_path / "parts", budget={"trials": 12}, **changes)
    ledger = opened(study)
    while not ledger.spent:
        asked = ledger.ask()
        for _ in itertools.islice(life(ledger, asked), asked.number % 5):
            pass
        ledger = opened(study)
        trial = ledger.trials()[asked.number]
        assert (trial.params, trial.config) == (asked.params, asked.config)
        work(ledger, trial)
    assert told(ledger) == whole


def test_a_grid_ends_when_each_branch_has_all_its_points(tmp_path: Path) -> None:
    branches = {"toy": STEPS, "plain": {"method.x": {"choice": [0.5, 1.0]}}, "third": None}
    names = names_of(made(tmp_path, sampler="grid", method={"factor": branches}, budget={"trials": 99}))
    assert names == [*NAMES, "toy", "plain", "toy", "toy", "toy"]


def test_what_would_be_drawn_first(tmp_path: Path) -> None:
    study = made(tmp_path)
    first = preview(study, 4)
    assert [each.params["method.name"] for each in first] == [*NAMES, "toy"]
    assert [each.config["method"]["name"] for each in first] == [*NAMES, "toy"]


def test_points_begin_their_branch(tmp_path: Path) -> None:
    points = [{"method.k": 3}, {"method.name": "plain", "method.x": 0.5}, {"plain.x": 1.0}]
    ledger = begin(made(tmp_path, start_with=points, budget={"trials": 6}))
    go_on(ledger)
    names = [trial.params["method.name"] for trial in ledger.trials()]
    assert names == ["toy", "plain", "plain", *NAMES]
    assert [trial.params.get("plain.x") for trial in ledger.trials()[1:3]] == [0.5, 1.0]


def test_another_study_is_taken_over_branch_by_branch(tmp_path: Path) -> None:
    old = finish(made(tmp_path, study="old", method={"factor": {"toy": FREE, "plain": X}}, budget={"trials": 8}))
    complete = [trial for trial in old.trials() if trial.state == "COMPLETE"]
    both = {"factor": {"plain": X, "toy": FREE}}
    ledger = begin(made(tmp_path, study="new", method=both, start_with=[{"all_of": "old"}], budget={"trials": 2}))
    go_on(ledger)
    assert [trial.params for trial in ledger.trials()[: len(complete)]] == [trial.params for trial in complete]
    best = min(complete, key=lambda trial: trial.metrics["val_loss"])
    begun = begin(made(tmp_path, study="best", method=both, start_with=[{"best_of": "old"}], budget={"trials": 1}))
    go_on(begun)
    assert [trial.params for trial in begun.trials()[:-1]] == [best.params]  # in its branch alone


def test_drawn_or_in_turn_is_another_study(tmp_path: Path) -> None:
    opened(made(tmp_path)).ask()
    refuse_other_meaning(made(tmp_path))
    with pytest.raises(BadInput) as caught:
        refuse_other_meaning(made(tmp_path, method={"choose": BRANCHES}))
    assert "space.method.name.factor: ['toy', 'plain', 'third'] -> (absent)" in str(caught.value)
    with pytest.raises(BadInput):
        refuse_other_meaning(made(tmp_path, method={"factor": {**BRANCHES, "toy": {**FREE, **KIND}}}))


def test_a_cell_that_is_built_again_has_the_same_trials(tmp_path: Path) -> None:
    """What is stored of a trial, without what its cell says, is the trial as it was drawn: its branch's name too."""
    for method in ({"factor": {"toy": TOY, "plain": X}}, {"factor": {"toy": FREE}}, {"choose": {"toy": TOY}}):
        study = made(tmp_path, method=method)
        for factors in study.cells:
            cell = Cell(study, factors)
            drawn, _, _ = cell.ask()
            again = cell.part(cell.whole(drawn, 5))
            assert "method.name" in drawn.params
            assert (again.params, again.distributions) == (drawn.params, drawn.distributions)

"""A branch of a choice that has factors: cells of its own, whose turn it is, what is stored of them, and going on."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import optuna
import pytest

from sparsetune.base.errors import BadInput
from sparsetune.config.study.study import Study
from sparsetune.search.definition import refuse_other_meaning
from sparsetune.search.ledger import Ledger
from sparsetune.search.points import in_turn
from sparsetune.search.preview import preview

from .begun import begin, go_on
from .toys import SPACE, finish, life, make, opened, told, work

X = {"method.x": SPACE["method.x"]}
KIND = {"method.kind": {"factor": ["a", "b"]}}
TOY = {**X, **KIND, "method.k": SPACE["method.k"]}
DIVIDED: dict[str, Any] = {"method": {"choose": {"toy": TOY, "plain": X}}, "space": {}}
TURNS = [("toy", "a"), ("toy", "b"), ("plain", None)]
STEPS = {"method.x": {"float": [-2.0, 2.0], "step": 1.0}}
GRID = {"method": {"choose": {"toy": {**KIND, **STEPS}, "plain": {"method.x": {"choice": [0.5, 1.0]}}}}}
RESUMED = [
    {"sampler": "random", "replicates": 2},
    {"sampler": {"name": "tpe", "n_startup_trials": 2, "multivariate": True}},
    {"sampler": {"name": "cmaes"}},
    {"sampler": "grid", **GRID, "pruner": {"name": "percentile", "percentile": 60.0}},
    {"sampler": {"name": "tpe", "n_startup_trials": 2}, "method": {"choose": {"toy": TOY, "plain": X, "third": X}}},
]


def made(root: Path, **changes: Any) -> Study:
    return make(root, **{**DIVIDED, **changes})


def cells_of(ledger: Ledger) -> list[tuple[str, str | None]]:
    return [(trial.params["method.name"], trial.params.get("toy.kind")) for trial in ledger.trials()]


def test_the_cells_take_turns_and_each_has_its_part_of_the_budget(tmp_path: Path) -> None:
    ledger = finish(made(tmp_path, budget={"trials": 10}))
    assert cells_of(ledger) == [*TURNS * 3, TURNS[0]]
    for trial in ledger.trials():
        name = trial.params["method.name"]
        assert trial.config["method"]["name"] == name
        assert trial.config["method"].get("kind") == trial.params.get("toy.kind")
        assert list(trial.params) == [
            "method.name",
            *(["toy.kind", "toy.x", "toy.k"] if name == "toy" else ["plain.x"]),
        ]
    first = [trial.params["toy.x"] for trial in ledger.trials()[:2]]
    assert first[0] == first[1]  # the same first random points


def test_a_cell_searches_as_a_study_of_that_method_alone_would(tmp_path: Path) -> None:
    """Its trials are all that the sampler sees: what it proposes is what it would have proposed without the others."""
    changes = {"sampler": {"name": "tpe", "n_startup_trials": 1}}
    first = {"choose": {"plain": X, "toy": TOY}}
    divided = finish(made(tmp_path / "divided", method=first, budget={"trials": 12}, **changes)).trials()
    alone = finish(make(tmp_path / "alone", method="plain", space=X, budget={"trials": 4}, **changes)).trials()
    assert [trial.params["plain.x"] for trial in divided[::3]] == [trial.params["method.x"] for trial in alone]


def test_branches_without_factors_share_a_cell_in_which_one_is_drawn(tmp_path: Path) -> None:
    """Optuna wants one distribution for a name: the storage has the study's choice, also where a cell's is less."""
    choose = {"toy": TOY, "plain": X, "third": None}
    study = made(tmp_path, method={"choose": choose}, budget={"trials": 30}, sampler="random")
    ledger = finish(study)
    assert Counter(kind for _, kind in cells_of(ledger)) == {"a": 10, "b": 10, None: 10}
    assert {name for name, kind in cells_of(ledger) if kind is None} == {"plain", "third"}
    stored = optuna.load_study(study_name=study.name, storage=study.storage).trials
    kinds = {(name, repr(kind)) for trial in stored for name, kind in trial.distributions.items()}
    assert Counter(name for name, _ in kinds) == dict.fromkeys(
        ["method.name", "toy.kind", "toy.x", "toy.k", "plain.x"], 1
    )
    assert [trial.params for trial in stored] == [trial.params for trial in ledger.trials()]


@pytest.mark.parametrize("changes", RESUMED, ids=lambda changes: str(changes["sampler"]))
def test_reopened_inside_every_trial(changes: dict[str, Any], tmp_path: Path) -> None:
    whole = told(finish(made(tmp_path / "whole", budget={"trials": 18}, **changes)))
    study = made(tmp_path / "parts", budget={"trials": 18}, **changes)
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


def test_a_grid_ends_when_each_cell_has_all_its_points(tmp_path: Path) -> None:
    ledger = finish(made(tmp_path, sampler="grid", **GRID, budget={"trials": 99}))
    assert cells_of(ledger) == [*TURNS * 2, *TURNS[:2] * 3]
    assert len({repr(trial.params) for trial in ledger.trials()}) == 5 + 5 + 2 == len(ledger)


def test_a_grid_that_follows_another_sampler_goes_on_in_the_same_cells(tmp_path: Path) -> None:
    """Which cell a trial is of is what it says itself, whatever the turns would be now."""
    choose = {"choose": {"toy": {**KIND, **STEPS}, "plain": {"method.x": {"choice": [0.5]}}}}
    before = finish(made(tmp_path, method=choose, sampler="random", budget={"trials": 7}, duplicates="allow"))
    after = finish(made(tmp_path, method=choose, sampler="grid", budget={"trials": 99}, duplicates="allow"))
    assert cells_of(after)[:7] == cells_of(before) == [*TURNS * 2, TURNS[0]]
    assert Counter(cells_of(after)) == {TURNS[0]: 5, TURNS[1]: 4, TURNS[2]: 2}  # of 11 points
    assert told(after)[:7] == told(before)


def test_whose_turn_it_is() -> None:
    assert [in_turn(drawn, [None] * 3) for drawn in ([0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1])] == [0, 1, 2, 0]
    assert [in_turn(drawn, [3, 1]) for drawn in ([1, 1], [2, 1])] == [0, 0]
    assert in_turn([3, 1], [3, 1]) == 1  # nothing is left: the fewest
    assert in_turn([4, 9], [5, None]) == 0


def test_what_would_be_drawn_first(tmp_path: Path) -> None:
    drawn = preview(made(tmp_path), 4)
    assert [(each.params["method.name"], each.config["method"].get("kind")) for each in drawn] == [*TURNS, TURNS[0]]
    assert list(drawn[0].params) == ["method.name", "toy.kind", "toy.x", "toy.k"]


@pytest.mark.parametrize(
    ("toy", "line"),
    [
        ({**TOY, "method.kind": {"factor": ["a", "c"]}}, "space.toy.kind.factor: ['a', 'b'] -> ['a', 'c']"),
        ({**X, "method.k": TOY["method.k"]}, "space.toy.kind.factor: ['a', 'b'] -> (absent)"),
        ({**TOY, "method.kind": {"choice": ["a", "b"]}}, "space.toy.kind.choice: (absent) -> ['a', 'b']"),
    ],
)
def test_other_factors_make_another_study(toy: dict[str, Any], line: str, tmp_path: Path) -> None:
    opened(made(tmp_path)).ask()
    refuse_other_meaning(made(tmp_path))
    with pytest.raises(BadInput) as caught:
        refuse_other_meaning(made(tmp_path, method={"choose": {"toy": toy, "plain": X}}))
    assert line in str(caught.value)


def test_points_begin_the_cells_that_have_them(tmp_path: Path) -> None:
    """Of one branch in its cells, with a factor in one of these, with neither in all."""
    points = [
        {"method.name": "toy", "method.x": 1.0},
        {"method.kind": "b", "method.k": 3},  # that it is a toy follows
        {"method.name": "plain", "method.x": 0.5},
        {"method.name": "plain", "plain.x": 0.5},
    ]
    study = made(tmp_path, start_with=points, budget={"trials": 7})
    ledger = begin(study)
    go_on(ledger)
    assert cells_of(ledger)[:4] == [TURNS[0], TURNS[1], TURNS[1], TURNS[2]]
    assert [trial.params.get("toy.x", trial.params.get("plain.x")) for trial in ledger.trials()[:2]] == [1.0, 1.0]
    assert ledger.trials()[2].params["toy.k"] == 3
    assert ledger.trials()[3].params["plain.x"] == 0.5
    assert cells_of(ledger)[4:] == TURNS
    assert told(begin(study)) == told(ledger)


def test_another_study_is_taken_over_cell_by_cell(tmp_path: Path) -> None:
    old = finish(made(tmp_path, study="old", budget={"trials": 9})).trials()
    complete = [trial for trial in old if trial.state == "COMPLETE"]
    ledger = begin(made(tmp_path, study="new", start_with=[{"all_of": "old"}], budget={"trials": 3}))
    go_on(ledger)
    assert len(ledger) == len(complete) + 3
    assert cells_of(ledger)[len(complete) :] == TURNS
    assert [trial.params for trial in ledger.trials()[: len(complete)]] == [trial.params for trial in complete]
    best = begin(made(tmp_path, study="best", start_with=[{"best_of": "old"}], budget={"trials": 3}))
    go_on(best)
    front = min(complete, key=lambda trial: trial.metrics["val_loss"])
    begun = [trial for trial in best.trials() if trial.params["method.name"] == front.params["method.name"]]
    assert begun[0].params | {"toy.kind": ""} == front.params | {"toy.kind": ""}

"""What may change between the runs of a study, and what makes it another one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
import pytest

from sparsetune.base.errors import BadInput
from sparsetune.base.stores.sqlite import sqlite_path
from sparsetune.drive.driver import counts
from sparsetune.search.definition import differences, refuse_other_meaning
from sparsetune.search.preview import preview
from sparsetune.search.storage import read_study

from .toys import ENVIRONMENT, SPACE, TWO, finish, make, opened


def database(root: Path) -> bytes:
    return (root / "mlruns" / "studies.db").read_bytes()


CHANGES: list[tuple[dict[str, Any], str]] = [
    ({"seed": 3}, "seed: 0 -> 3"),
    ({"training": {"epochs": 4}}, "training.epochs: 20 -> 4"),
    (
        {"method": {"name": "toy", "y": 0.1}, "space": {"method.x": SPACE["method.x"]}},
        "method.y: 0.5 -> 0.1; space.method.kind.choice",
    ),
    ({"space": {**SPACE, "method.k": {"int": [1, 9]}}}, "space.method.k.step: 2 -> (absent)"),
    ({"space": {**SPACE, "method.x": {"float": [-2.0, 3.0]}}}, "space.method.x.float: [-2.0, 2.0] -> [-2.0, 3.0]"),
    ({"space": {**SPACE, "training.lr": {"float": [0.1, 1]}}}, "space.training.lr.float: (absent) -> [0.1, 1.0]"),
    ({"objectives": TWO}, "objectives: [{'metric': 'val_loss', 'goal': 'minimize'}] -> [{"),
]


@pytest.mark.parametrize(("changes", "shown"), CHANGES, ids=range(len(CHANGES)))
def test_another_meaning_is_refused_and_nothing_is_written(changes: dict[str, Any], shown: str, tmp_path: Path) -> None:
    opened(make(tmp_path)).ask()
    before = database(tmp_path)
    other = make(tmp_path, **changes)
    with pytest.raises(BadInput) as caught:
        refuse_other_meaning(other)
    line = str(caught.value)
    assert line.startswith(f"{other.source}: study: 'toys' exists with another meaning ({shown}")
    assert line.endswith("); name it anew (--set study=NAME), or undo the change")
    assert database(tmp_path) == before


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"budget": {"trials": 99}},
        {"sampler": "random"},
        {"resources": {"cpus": 2}},
        {"tracking": {"report_every": "2s"}},
        {"tracking": {"figures": "all"}},
    ],
    ids=str,
)
def test_the_same_meaning_is_accepted_and_nothing_is_written(changes: dict[str, Any], tmp_path: Path) -> None:
    opened(make(tmp_path)).ask()
    before = database(tmp_path)
    refuse_other_meaning(make(tmp_path, **changes))
    assert database(tmp_path) == before


def test_no_storage_yet(tmp_path: Path) -> None:
    refuse_other_meaning(make(tmp_path))
    assert list((tmp_path / "mlruns").iterdir()) == []


def test_another_name_is_another_study(tmp_path: Path) -> None:
    finish(make(tmp_path, budget={"trials": 2}))
    other = make(tmp_path, study="other", seed=3)
    refuse_other_meaning(other)
    assert len(opened(other)) == 0


def test_a_study_that_is_not_ours(tmp_path: Path) -> None:
    study = make(tmp_path)
    foreign = optuna.create_study(study_name=study.name, storage=study.storage)
    refuse_other_meaning(study)  # empty: a driver may have died here
    foreign.add_trial(optuna.trial.create_trial(value=1.0))
    with pytest.raises(BadInput, match="'toys' in the storage was not made by sparsetune"):
        refuse_other_meaning(study)


def test_a_larger_budget_goes_on_as_one_that_was_large_from_the_start(tmp_path: Path) -> None:
    finish(make(tmp_path / "two", budget={"trials": 5}))
    after = finish(make(tmp_path / "two", budget={"trials": 9}))
    whole = finish(make(tmp_path / "one", budget={"trials": 9}))
    assert [trial.params for trial in after.trials()] == [trial.params for trial in whole.trials()]
    assert len(finish(make(tmp_path / "two", budget={"trials": 3}))) == 9


def changes_of(root: Path) -> Any:
    study = make(root)
    return optuna.load_study(study_name=study.name, storage=study.storage).user_attrs["changes"]


def test_sampler_pruner_and_environment_are_noted_with_the_trial_they_begin_at(tmp_path: Path) -> None:
    warnings: list[str] = []
    opened(make(tmp_path), warnings).ask()
    assert warnings == []
    opened(make(tmp_path), warnings).ask()
    assert warnings == []
    assert [change["from_trial"] for change in changes_of(tmp_path)] == [0]
    opened(make(tmp_path, sampler="random"), warnings).ask()
    opened(make(tmp_path, sampler="random", pruner="median"), warnings).ask()
    opened(make(tmp_path, sampler="random", pruner="median"), warnings, {**ENVIRONMENT, "torch": "3"})
    opened(make(tmp_path, sampler="random", pruner="median"), warnings, {**ENVIRONMENT, "torch": "3"})
    tail = ": noted in the study"
    assert warnings == [
        "sampler changed since the last run (name: tpe -> random; n_startup_trials: 4 -> (absent); "
        "n_ei_candidates: 24 -> (absent); multivariate: None -> (absent); group: None -> (absent); "
        f"constant_liar: True -> (absent)){tail}",
        "pruner changed since the last run (name: none -> median; metric: (absent) -> None; "
        "keep_front: (absent) -> None; "
        "n_startup_trials: (absent) -> 5; n_warmup_epochs: (absent) -> 0; interval_epochs: (absent) -> 1; "
        f"n_min_trials: (absent) -> 1){tail}",
        f"environment changed since the last run (torch: 2 -> 3){tail}",
    ]
    noted = changes_of(tmp_path)
    assert [change["from_trial"] for change in noted] == [0, 2, 3, 4]
    assert [sorted({*change} - {"from_trial"}) for change in noted] == [
        ["environment", "pruner", "sampler"], ["sampler"], ["pruner"], ["environment"],
    ]  # fmt: skip
    warnings.clear()
    opened(make(tmp_path), warnings, {**ENVIRONMENT, "torch": "3"})  # back to the first sampler: a change again
    assert [warning.split()[0] for warning in warnings] == ["sampler", "pruner"]


def test_another_order_of_the_space_is_another_meaning() -> None:
    """It changes what a seeded sampler draws for each name."""
    first, second = {"space": {"a": 1, "b": 2}}, {"space": {"b": 2, "a": 1}}
    assert differences(first, second) == ["the order of space: a, b -> b, a"]
    assert differences(first, first) == []


def test_differences() -> None:
    assert differences({"a": {"b": 1, "c": [1, 2]}, "d": 0}, {"a": {"b": 1, "c": [1, 3]}, "e": 0}) == [
        "a.c: [1, 2] -> [1, 3]",
        "d: 0 -> (absent)",
        "e: (absent) -> 0",
    ]
    assert differences({"a": (1, 2)}, {"a": (1, 2)}) == []


def test_a_preview_stores_nothing_and_begins_as_the_study_does(tmp_path: Path) -> None:
    study = make(tmp_path)
    shown = preview(study, 3)
    path = sqlite_path(study.storage)
    assert path is not None
    assert not path.exists()
    assert [point.params for point in shown] == [trial.params for trial in finish(study).trials()[:3]]


def test_trials_enqueued_by_hand_are_refused(tmp_path: Path) -> None:
    study = make(tmp_path)
    finish(study)
    optuna.load_study(study_name=study.name, storage=study.storage).enqueue_trial({})
    with pytest.raises(BadInput, match="enqueued by hand"):
        refuse_other_meaning(study)
    assert counts(read_study(study.storage, study.name).trials)["WAITING"] == 1  # a listing still lists it

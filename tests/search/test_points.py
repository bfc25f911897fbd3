"""``start_with``: points of the file, the best of a study, all of a study."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest

from sparsetune.base.errors import BadInput
from sparsetune.base.yaml_io import dump
from sparsetune.config.space.parameters import Factor, Float
from sparsetune.config.space.space import Space
from sparsetune.search.ledger import Ledger
from sparsetune.search.points import Points, crossed
from sparsetune.search.storage import read_study

from .begun import begin, go_on, run
from .toys import ENVIRONMENT, ONE, SPACE, TWO, make, tell, told, work

X = {"method.x": SPACE["method.x"]}
FACTORS = {**X, "method.kind": {"factor": ["a", "b"]}}
NEW = {"sampler": {"name": "random"}, "seed": 0}


def given(root: Path, *entries: Any, **changes: Any) -> list[dict[str, Any]]:
    return Points.of(make(root, study="new", start_with=list(entries), **changes), [].append).points


def test_what_a_point_does_not_name_is_drawn(tmp_path: Path) -> None:
    study = make(tmp_path, start_with=[{"method.x": 1, "method.kind": "b"}, {"method.k": 3}], budget={"trials": 4})
    ledger = begin(study)
    assert go_on(ledger) == [0, 1, 2, 3]
    first, second, third, _ = ledger.trials()
    assert (first.params["method.x"], first.params["method.kind"]) == (1.0, "b")
    assert set(first.params) == set(SPACE)
    assert isinstance(first.config["method"]["x"], float)
    assert second.params["method.k"] == 3
    assert second.params["method.x"] != third.params["method.x"]
    again = begin(make(tmp_path / "again", start_with=study.start_with, budget={"trials": 4}))
    go_on(again)
    assert told(again) == told(ledger)


@pytest.mark.parametrize("sampler", ["qmc", "random"])
def test_a_study_goes_on_as_the_other_would_have(sampler: str, tmp_path: Path) -> None:
    """Given trials count where a sequence, or a seed, is a function of the number: nothing is drawn twice."""
    changes = {"sampler": sampler, "space": X}
    whole = run(tmp_path, "whole", **changes, budget={"trials": 8})
    run(tmp_path, "begun", **changes, budget={"trials": 5})
    led = run(tmp_path, "led", **changes, budget={"trials": 3}, start_with=[{"all_of": "begun"}])
    assert [trial.params for trial in led] == [trial.params for trial in whole]


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        ({"method.z": 1}, "start_with.0: unknown parameter 'method.z'"),
        ({"method.x": 2.5}, "start_with.0.method.x: found 2.5, allowed: float [-2.0, 2.0]"),
        ({"method.x": "a"}, "start_with.0.method.x: found 'a', allowed: float [-2.0, 2.0]"),
        ({"method.k": 4}, "start_with.0.method.k: found 4, allowed: int [1, 9] with step 2"),
        ({"method.k": True}, "start_with.0.method.k: found true, allowed: int [1, 9] with step 2"),
        ({"method.kind": "d"}, "start_with.0.method.kind: found 'd', allowed: 'a', 'b', 'c'"),
        (
            {"method.kind": "c", "method.y": 0.1},
            "start_with.0.method.y: is drawn where method.kind is ['a', 'b'], found 'c'",
        ),
        ({}, "start_with.0: found {}, allowed: a mapping of parameters to values, {best_of: STUDY}"),
        ("best", "start_with.0: found 'best', allowed: a mapping"),
        ({"best_of": 3}, "start_with.0: found {'best_of': 3}, allowed: {best_of: STUDY}"),
        ({"all_of": "old", "method.x": 1}, "allowed: {all_of: STUDY}"),
        ({"all_of": "olt"}, "start_with.0.all_of: unknown study 'olt'; did you mean 'old'?"),
    ],
)
def test_what_cannot_be_a_beginning(entry: Any, line: str, tmp_path: Path) -> None:
    run(tmp_path, "old", budget={"trials": 1})
    with pytest.raises(BadInput) as caught:
        given(tmp_path, entry)
    assert line in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "toys.yaml"))


def test_a_forked_parameter_is_no_part_of_a_point(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"start_with\.0\.method\.samples: is forked: each trial has a row for each"):
        given(tmp_path, {"method.samples": 2}, fork={"method.samples": [1, 2]})


def test_the_best_of_a_study_is_its_best_row_or_its_front(tmp_path: Path) -> None:
    run(tmp_path, "one")
    run(tmp_path, "two", objectives=TWO)
    url = make(tmp_path).storage
    (best,) = read_study(url, "one").front
    front = read_study(url, "two").front
    assert len(front) > 1
    assert given(tmp_path, {"best_of": "one"}) == [best.params]
    assert given(tmp_path, {"best_of": "two"}) == [row.params for row in front]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"fork": {"method.samples": [1, 2, 4]}},
        {"replicates": 2},
        {"space": FACTORS},
        {"space": {**X, "method.y": {"float": [0.1, 0.7], "step": 0.1}}},
        {"objectives": TWO},
    ],
    ids=["plain", "forked", "replicated", "factors", "steps", "two"],
)
def test_all_of_a_study_trains_nothing_twice_and_goes_on_from_there(changes: dict[str, Any], tmp_path: Path) -> None:
    old = run(tmp_path, "old", **changes)
    complete = [trial for trial in old if trial.state == "COMPLETE"]
    study = make(tmp_path, study="new", start_with=[{"all_of": "old"}], budget={"trials": 4}, **changes)
    ledger = begin(study)
    trained = go_on(ledger)
    known, new = ledger.trials()[: len(complete)], ledger.trials()[len(complete) :]
    assert trained == [trial.number for trial in new]
    assert len(new) == 4  # what was known costs none of the budget
    assert sorted(repr((t.config, t.metrics, t.values)) for t in known) == sorted(
        repr((t.config, t.metrics, t.values)) for t in complete
    )
    assert all(trial.notes["same_as"].endswith(" of old") for trial in known)
    assert [trial.runs[0].key.number for trial in ledger.trials()] == list(range(len(ledger)))


def test_the_sampler_learns_from_what_is_known(tmp_path: Path) -> None:
    run(tmp_path, "old")
    changes = {"sampler": {"name": "tpe", "n_startup_trials": 4}, "budget": {"trials": 3}, "duplicates": "reuse"}
    led = run(tmp_path, "led", start_with=[{"all_of": "old"}], **changes)[-3:]
    blind = run(tmp_path, "blind", start_with=[{"best_of": "old"}], **changes)
    assert [trial.params for trial in led] != [trial.params for trial in blind[-3:]]


def test_other_code_is_trained_again(tmp_path: Path) -> None:
    old = [trial for trial in run(tmp_path, "old") if trial.state == "COMPLETE"]
    study = make(tmp_path, study="new", start_with=[{"all_of": "old"}], budget={"trials": len(old)})
    ledger = begin(study, environment={"code": "0ther", "torch": "2"})
    assert go_on(ledger) == list(range(len(old)))
    assert sorted(t.params["method.x"] for t in ledger.trials()) == sorted(t.params["method.x"] for t in old)


def test_what_lies_outside_the_space_is_left_out_with_a_warning(tmp_path: Path) -> None:
    old = run(tmp_path, "old", space=X)
    inside = [t for t in old if t.state == "COMPLETE" and t.params["method.x"] >= 0]
    outside = [t for t in old if t.state == "COMPLETE" and t.params["method.x"] < 0]
    warnings: list[str] = []
    study = make(tmp_path, study="new", space={"method.x": {"float": [0, 2]}}, start_with=[{"all_of": "old"}])
    points = Points.of(study, warnings.append)
    assert [point["method.x"] for point in points.points] == [t.params["method.x"] for t in inside]
    (warning,) = warnings
    assert f"{len(outside)} of {len(inside) + len(outside)} rows of 'old' lie outside this space" in warning
    assert f"trial {outside[0].number}: method.x is {outside[0].params['method.x']} there" in warning


@pytest.mark.parametrize("word", ["best_of", "all_of"])
def test_if_nothing_agrees_it_is_refused_with_the_reason(word: str, tmp_path: Path) -> None:
    run(tmp_path, "old", space=X)
    apart = r"start_with\.0\.\w+: nothing of 'old' can be taken: trial \d+: method\.x is .* there"
    with pytest.raises(BadInput, match=apart + r", allowed here: float \[5\.0, 6\.0\]"):
        given(tmp_path, {word: "old"}, space={"method.x": {"float": [5, 6]}})
    with pytest.raises(BadInput, match=apart + r" and 1\.0 here"):
        given(tmp_path, {word: "old"}, space={"method.k": SPACE["method.k"]}, method={"name": "toy", "x": 1.0})


def test_a_study_without_results_is_refused(tmp_path: Path) -> None:
    begin(make(tmp_path, study="old")).ask()
    with pytest.raises(BadInput, match="nothing of 'old' can be taken: it has no complete trial"):
        given(tmp_path, {"all_of": "old"})


def test_what_was_fixed_there_and_varies_here(tmp_path: Path) -> None:
    """Its value there is taken where it can be drawn here, so that the trial is the same; else it is left open."""
    run(tmp_path, "old", space=X, method={"name": "toy", "k": 3}, budget={"trials": 2})
    (first, _) = given(tmp_path, {"all_of": "old"}, space={**X, "method.k": SPACE["method.k"]})
    assert first["method.k"] == 3
    (first, _) = given(tmp_path, {"all_of": "old"}, space={**X, "method.k": {"int": [5, 9]}})
    assert list(first) == ["method.x"]
    study = make(
        tmp_path, study="new", space={**X, "method.k": SPACE["method.k"]}, start_with=[{"all_of": "old"}],
        budget={"trials": 1},
    )  # fmt: skip
    assert go_on(begin(study)) == [2]


def test_a_fork_there_is_a_parameter_here(tmp_path: Path) -> None:
    """Each row is a point of its own."""
    run(tmp_path, "old", space=X, fork={"method.samples": [1, 2, 4]}, budget={"trials": 2})
    points = given(tmp_path, {"all_of": "old"}, space={**X, "method.samples": {"int": [1, 8]}})
    assert [point["method.samples"] for point in points] == [1, 2, 4] * 2
    assert len({point["method.x"] for point in points}) == 2


def test_a_point_is_crossed_with_every_cell_unless_it_names_one(tmp_path: Path) -> None:
    points = [{"method.x": 1}, {"method.x": 0.5, "method.kind": "b"}]
    study = make(tmp_path, space=FACTORS, start_with=points, budget={"trials": 6})
    ledger = begin(study)
    go_on(ledger)
    found = [(trial.params["method.x"], trial.params["method.kind"]) for trial in ledger.trials()]
    assert found[:3] == [(1.0, "a"), (1.0, "b"), (0.5, "b")]
    assert [kind for _, kind in found[3:]] == ["a", "b", "a"]
    again = begin(study)
    assert told(again) == told(ledger)


def test_crossing_by_hand() -> None:
    space = Space({"x": Float(low=0, high=9, target="x"), "f": Factor(values=(1, 2), target="f")}, {})
    found = crossed([{"x": 1}, {"x": 1, "f": 2}, {"x": 3, "f": 2}], space)
    assert found == [(0, {"x": 1}), (1, {"x": 1}), (1, {"x": 3})]


def test_the_best_of_a_study_with_factors_begins_every_cell(tmp_path: Path) -> None:
    run(tmp_path, "old", space=FACTORS)
    (point,) = given(tmp_path, {"best_of": "old"}, space=FACTORS)
    assert list(point) == ["method.x"]


def test_a_grid_is_searched_in_full_beside_its_given_points(tmp_path: Path) -> None:
    grid = {"space": {"method.kind": {"factor": ["a", "b"]}, "method.k": SPACE["method.k"]}, "sampler": "grid"}
    points = [{"method.k": 9, "method.kind": "b"}, {"method.k": 9}]
    trials = run(tmp_path, "grid", **grid, start_with=points, budget={"trials": 99})
    assert len(trials) == 2 + 5 * 2
    assert [t.params for t in trials[:2]] == [{"method.kind": "b", "method.k": 9}, {"method.kind": "a", "method.k": 9}]
    drawn = {(t.params["method.kind"], t.params["method.k"]) for t in trials[2:]}
    assert drawn == {(kind, k) for kind in "ab" for k in (1, 3, 5, 7, 9)}


@pytest.mark.parametrize("told_of", [1, 4, 6], ids=["known", "known_later", "trained"])
def test_a_study_goes_on_with_what_it_began_with_even_if_that_is_gone(told_of: int, tmp_path: Path) -> None:
    run(tmp_path, "old", budget={"trials": 6})
    run(tmp_path, "elsewhere", budget={"trials": 1})
    changes = {"start_with": [{"all_of": "old"}, {"method.x": 1.5}], "budget": {"trials": 4}}
    whole = begin(make(tmp_path, study="whole", **changes))
    go_on(whole)
    study = make(tmp_path, study="new", **changes)
    ledger = begin(study)
    for _ in range(told_of):
        work(ledger, ledger.ask())
    optuna.delete_study(study_name="old", storage=study.storage)
    with pytest.raises(BadInput, match="unknown study 'old'"):
        Points.of(make(tmp_path, study="third", **changes), [].append)
    again = begin(study)
    go_on(again)
    assert told(again) == told(whole)


def test_a_known_trial_whose_driver_died_is_not_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(tmp_path, "old", budget={"trials": 4})
    study = make(tmp_path, study="new", start_with=[{"all_of": "old"}], budget={"trials": 2})

    class Died(Exception):
        pass

    def die(name: str) -> None:
        if name == "after-ask":
            raise Died

    ledger = begin(study)
    with monkeypatch.context() as patched:
        patched.setattr("sparsetune.search.ledger.failpoint", die)
        with pytest.raises(Died):
            ledger.ask()
    again = begin(study)
    assert [trial.state for trial in again.trials()] == ["COMPLETE"]
    trained = go_on(again)
    assert len(trained) == 2
    assert len(again) == 4 + 2


def test_branches_of_a_choice_keep_their_names(tmp_path: Path) -> None:
    """``method.name`` and ``ast.method.kp`` in a study that chooses; a study of one method is part of it."""
    from sparsetune.app.study import load
    from sparsetune.testing.studies import write_study

    kp = {"method.kp": {"float": [0.01, 0.1], "log": True}}
    file = write_study(tmp_path, method={"choose": {"ast": "kp", "dense": None}}, space=None)
    (tmp_path / "search_spaces" / "kp.yaml").write_text(dump(kp))
    plain = load(file)
    (tmp_path / "mlruns").mkdir()
    assert [*plain.space.parameters] == ["method.name", "ast.kp"]
    old = load(write_study(tmp_path, study="old", method="ast", space=kp, objectives=ONE, sampler="random"))
    ledger = Ledger(old, ENVIRONMENT, [].append)
    trial = ledger.ask()
    tell(ledger, trial.number, "COMPLETE", {"val_loss": 1.0})
    choosing = {"method": {"choose": {"ast": "kp", "dense": None}}, "space": None, "objectives": ONE}
    new = load(write_study(tmp_path, **choosing, start_with=[{"all_of": "old"}, {"method.name": "dense"}]))
    points = Points.of(new, [].append)
    assert points.points == [{"method.name": "ast", "ast.kp": trial.params["method.kp"]}, {"method.name": "dense"}]
    begun = Ledger(new, ENVIRONMENT, [].append, points=points)
    assert begun.ask().notes == {"same_as": "trial 0 of old", "given": "at the start"}
    assert begun.ask().config["method"]["name"] == "dense"
    back = load(write_study(tmp_path, study="back", method="ast", space=kp, start_with=[{"all_of": "small"}]))
    assert Points.of(back, [].append).points == [{"method.kp": trial.params["method.kp"]}]
    wrong = load(write_study(tmp_path, **choosing, start_with=[{"method.name": "dense", "ast.kp": 0.05}]))
    with pytest.raises(BadInput, match=r"is drawn where method\.name is 'ast', found 'dense'"):
        Points.of(replace(wrong, name="third"), [].append)


def test_through_a_whole_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained: list[int]) -> None:
    """What is known reaches MLflow as a run of the new study, and nothing is trained for it."""
    from rich.console import Console

    from sparsetune.app.study import load, run_study
    from sparsetune.testing.studies import tracked_runs, write_study

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    small = {"sampler": "random", "training": {"epochs": 2}, "space": {"training.lr": {"float": [0.01, 0.1]}}}

    def study(name: str, **changes: Any) -> Any:
        file = write_study(tmp_path, study=name, **small, **changes)
        return run_study(load(file), workers=None, in_process=True, console=Console(quiet=True))

    old = study("old", budget={"trials": 2})
    assert len(trained) == 2 * 2
    new = study("new", budget={"trials": 1}, start_with=[{"all_of": "old"}], seed=0)
    assert len(trained) == 3 * 2
    assert [trial.metrics for trial in new.trials[:2]] == [trial.metrics for trial in old.trials]
    assert [trial.notes.get("same_as") for trial in new.trials] == ["trial 0 of old", "trial 1 of old", None]
    runs = tracked_runs(tmp_path, "new")
    assert [len(runs[number]) for number in range(3)] == [1, 1, 1]
    assert {run["status"] for each in runs.values() for run in each} == {"FINISHED"}

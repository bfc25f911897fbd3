"""Points that use the names of the study file, those that Optuna has, or both; and what cannot be meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sparsetune.base.errors import BadInput
from sparsetune.search.points import Points

from .begun import begin, go_on
from .toys import SPACE, make, told

X, Y, K = "method.x", "method.y", "method.k"
RANGE = {"float": [0.1, 1.0]}
WIDE = {"float": [-2.0, 2.0]}
KIND = {"method.kind": SPACE["method.kind"], Y: {**RANGE, "when": {"method.kind": "b"}}}
CHOOSE = {
    "toy": {X: WIDE, **KIND, "training.lr": RANGE},
    "plain": {X: RANGE, "training.lr": {"float": [0.5, 1.0]}},
    "third": {"training.momentum": {"factor": [0.5, 0.9]}},
}
BATCH = {"training.batch_size": {"int": [1, 64]}}
STUDY: dict[str, Any] = {"method": {"choose": CHOOSE}, "space": BATCH}


def point(root: Path, written: dict[Any, Any], **changes: Any) -> dict[str, Any]:
    (only,) = Points.of(make(root, **{**STUDY, "start_with": [written], **changes}), [].append).points
    return only


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ({"method.name": "toy", X: -1}, {"method.name": "toy", "toy.x": -1.0}),
        ({X: 0.5, "method.name": "plain"}, {"method.name": "plain", "plain.x": 0.5}),
        ({"method.name": "plain", "plain.x": 0.5, "training.lr": 0.75}, {"plain.x": 0.5, "plain.training.lr": 0.75}),
        ({"method.name": "toy", "training.lr": 0.25}, {"toy.training.lr": 0.25}),
        ({"training.batch_size": 8}, {"training.batch_size": 8}),
        ({"method.kind": "b"}, {"method.name": "toy", "toy.kind": "b"}),  # no other has kinds
        ({X: 0.5, "method.kind": "b", Y: 0.25}, {"method.name": "toy", "toy.x": 0.5, "toy.kind": "b", "toy.y": 0.25}),
        ({X: 0.5, "plain.training.lr": 1}, {"method.name": "plain", "plain.x": 0.5, "plain.training.lr": 1.0}),
        ({"toy.x": 2}, {"method.name": "toy", "toy.x": 2.0}),
        ({"training.momentum": 0.9}, {"method.name": "third", "third.training.momentum": 0.9}),
    ],
)
def test_what_is_meant(written: dict[str, Any], meant: dict[str, Any], tmp_path: Path) -> None:
    read = point(tmp_path, written)
    assert read == {**({"method.name": written["method.name"]} if "method.name" in written else {}), **meant}
    assert all(isinstance(read[name], type(value)) for name, value in meant.items())


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ({X: 0.5}, "start_with.0.method.x: may be toy.x or plain.x here; allowed: one of these names, or method.name"),
        (
            {"training.batch_size": 8, "training.lr": 0.5},
            "start_with.0.training.lr: may be toy.training.lr or plain.training.lr here; "
            "allowed: one of these names, or method.name beside it",
        ),
        (
            {"method.name": "plain", "method.kind": "b"},
            "start_with.0.method.kind: is drawn where method.name is 'toy', found 'plain'",
        ),
        (
            {"method.name": "third", X: 0.5},
            "start_with.0.method.x: is drawn where method.name is 'toy' or 'plain', found 'third'",
        ),
        (
            {"method.name": "toy", "plain.x": 0.5},
            "start_with.0.plain.x: is drawn where method.name is 'plain', found 'toy'",
        ),
        (
            {"method.kind": "b", "plain.x": 0.5},
            "start_with.0.plain.x: is drawn where method.name is 'plain', found 'toy'",
        ),
        (
            {"method.name": "toy", "method.kind": "a", Y: 0.5},
            "start_with.0.method.y: is drawn where method.kind is 'b', found 'a'",
        ),
        (
            {"method.name": "toy", X: 0.5, "toy.x": 0.25},
            "start_with.0.method.x: stands here as toy.x too; remove one",
        ),
        ({"method.name": "plain", X: -1}, "start_with.0.method.x: found -1, allowed: float [0.1, 1.0]"),
        ({"method.name": "tyo", X: 0}, "start_with.0.method.name: found 'tyo', allowed: 'toy', 'plain', 'third'"),
        ({"training.momentum": 0.7}, "start_with.0.training.momentum: found 0.7, allowed: 0.5, 0.9"),
        (
            {"method.xx": 1},
            "start_with.0: unknown parameter 'method.xx'; did you mean 'method.x'? (allowed: method.",
        ),
    ],
)
def test_what_nothing_can_be_meant_by(written: dict[Any, Any], line: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        point(tmp_path, written)
    said = str(caught.value)
    assert said.startswith(f"{tmp_path / 'toys.yaml'}: {line}")
    assert "\n" not in said


def test_a_field_with_several_ranges(tmp_path: Path) -> None:
    """Without a choice of methods too: the condition says which is meant."""
    space = {
        "training.optimizer": {"choice": ["sgd", "adam"]},
        "lr.sgd": {**RANGE, "target": "training.lr", "when": {"training.optimizer": "sgd"}},
        "lr.adam": {**RANGE, "target": "training.lr", "when": {"training.optimizer": "adam"}},
    }
    changes = {"method": "toy", "space": space}
    both = {"training.optimizer": "adam", "training.lr": 0.5}
    assert point(tmp_path, both, **changes) == {"training.optimizer": "adam", "lr.adam": 0.5}
    assert point(tmp_path, {"lr.sgd": 0.5}, **changes) == {"lr.sgd": 0.5}
    with pytest.raises(
        BadInput, match=r"0\.training\.lr: may be lr\.sgd or lr\.adam here; allowed: .*, or training\.opt"
    ):
        point(tmp_path, {"training.lr": 0.5}, **changes)


def test_a_name_that_a_parameter_has_means_it(tmp_path: Path) -> None:
    """Also where a branch sets the same field; there it means the branch's."""
    choose = {"toy": {"training.lr": RANGE}, "plain": None}
    space = {"training.lr": {**RANGE, "when": {"method.name": "plain"}}}
    changes = {"method": {"choose": choose}, "space": space}
    assert point(tmp_path, {"training.lr": 0.5}, **changes) == {"method.name": "plain", "training.lr": 0.5}
    toy = {"method.name": "toy", "training.lr": 0.5}
    assert point(tmp_path, toy, **changes) == {"method.name": "toy", "toy.training.lr": 0.5}


def test_both_spellings_are_the_same_study(tmp_path: Path) -> None:
    one = begin(make(tmp_path / "one", **STUDY, start_with=[{"method.name": "toy", X: 1.5}], budget={"trials": 4}))
    other = begin(make(tmp_path / "other", **STUDY, start_with=[{"toy.x": 1.5}], budget={"trials": 4}))
    assert (go_on(one), told(one)) == (go_on(other), told(other))
    assert one.trials()[0].config["method"]["x"] == 1.5

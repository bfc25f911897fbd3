"""``--set``, and dotted names into trees and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparsetune.base.errors import BadInput
from sparsetune.config.overrides import assign, flatten, parse_assignments

from .files import GONE, accepted, refused, write

KEYS = st.text(st.characters(exclude_characters=".", exclude_categories=("Cs",)), min_size=1, max_size=4)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.lists(st.integers())
TREES = st.dictionaries(
    KEYS, st.recursive(LEAVES, lambda inner: st.dictionaries(KEYS, inner, max_size=3), max_leaves=8), max_size=4
)


@given(TREES)
def test_flatten_and_assign_are_inverse(tree: dict[str, Any]) -> None:
    flat = flatten(tree)
    assert assign({}, flat) == tree
    assert flatten(assign({}, flat)) == flat


@given(TREES)
def test_assign_leaves_its_argument_alone(tree: dict[str, Any]) -> None:
    given = {"a": tree, "short": "form"}
    before = repr(given)
    values = {**{f"a.{name}": "new" for name in flatten(tree)}, "a.more.x": 1, "short.x": 2}
    result = flatten(assign(given, values))
    assert repr(given) == before
    assert {name: result[name] for name in values} == values
    assert result["short.name"] == "form"


def test_values_are_yaml() -> None:
    texts = ["a.b=1", "c=7.8e9", "d=[sgd, adam]", "e=", "f={name: step}", " g = x=y"]
    found = parse_assignments(texts)
    assert found == {"a.b": 1, "c": 7.8e9, "d": ["sgd", "adam"], "e": None, "f": {"name": "step"}, "g": "x=y"}
    assert type(found["c"]) is float


@pytest.mark.parametrize("text", ["method.kp", "=1", "", " =1", "a..b=1", ".a=1", "a.=1"])
def test_not_an_assignment(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_assignments([text])
    assert str(caught.value) == f"--set: found {text!r}, allowed: name=value, such as method.kp=0.1"


def test_broken_value() -> None:
    with pytest.raises(BadInput, match=r"^--set seed: line 1: not valid YAML: "):
        parse_assignments(["seed=[1"])


def test_a_varied_key_is_pinned(tmp_path: Path) -> None:
    both = {"method.kp": {"float": [0.1, 1]}, "method.ki": {"float": [0.1, 1]}}
    study = accepted(tmp_path, {"method.kp": 0.2}, space=both, method="ast")
    assert list(study.space.parameters) == ["method.ki"]
    assert study.trial.plain()["method"]["kp"] == 0.2


def test_a_pinned_condition_decides(tmp_path: Path) -> None:
    written = {
        "training.optimizer": {"choice": ["sgd", "adam"]},
        "training.momentum": {"float": [0.5, 0.9], "when": {"training.optimizer": "sgd"}},
    }
    study = accepted(tmp_path, {"training.optimizer": "adam"}, space=written)
    assert list(study.space.parameters) == ["training.momentum"]


def test_short_forms_on_the_way_are_written_out(tmp_path: Path) -> None:
    sets = {"method.ki": 0.3, "sampler.name": "random", "training.schedule.min_lr": 1e-3, "pruner.name": "none"}
    study = accepted(tmp_path, sets, method="ast", sampler="tpe", training={"schedule": "cosine"}, pruner="median")
    assert study.trial.plain()["method"]["ki"] == 0.3
    assert study.trial.plain()["training"]["schedule"] == {"name": "cosine", "min_lr": 1e-3, "per": "epoch"}
    assert (study.sampler.name, study.pruner.name) == ("random", "none")


def test_sections_that_the_file_lacks(tmp_path: Path) -> None:
    study = accepted(tmp_path, {"sampler.name": "random", "resources.cpus": 2, "training.epochs": 7}, training=GONE)
    assert (study.sampler.name, study.resources.cpus) == ("random", 2)
    assert study.trial.training.epochs == 7


@pytest.mark.parametrize(
    ("sets", "start"),
    [
        ({"method.kpp": 1}, "--set: method.kpp: unknown key 'kpp'; did you mean 'kp'?"),
        ({"method": "ats"}, "--set: method.name: unknown method 'ats'; did you mean 'ast'?"),
        ({"sede": 1}, "--set: sede: unknown key 'sede'; did you mean 'seed'?"),
        ({"method.kp": "a"}, "--set: method.kp: found 'a', allowed: a number"),
        ({"objectives.0.goal": "x"}, "--set: objectives.0.goal: 'objectives' holds [{"),
        ({"seed.x": 1}, "--set: seed.x: 'seed' holds 5, not a mapping"),
        ({"training.epochs": 3, "method.kp": 0.1}, "objectives: missing"),
    ],
)
def test_a_bad_override_is_blamed_on_the_command_line(sets: dict[str, Any], start: str, tmp_path: Path) -> None:
    changes = {"objectives": []} if "training.epochs" in sets else {}
    assert refused(write(tmp_path, seed=5, **changes), sets).startswith(start)

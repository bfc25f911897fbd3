"""Drawing from a space: conditions, order, corners, and the way back to a file."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparsetune.base.yaml_io import dump, parse
from sparsetune.config.overrides import assign, flatten
from sparsetune.config.space import Space, cells, corners, draw, load_space, within
from sparsetune.config.space.parameters import Choice, Float, Int, Parameter

from .files import configured

NAMES = tuple(f"a.{letter}" for letter in "bcdefg")
BASE = {**dict.fromkeys(NAMES, 0), "a.fixed": 1}
BASES = {"": assign({}, BASE)}


@st.composite
def rules(draw_: st.DrawFn, others: dict[str, Any]) -> dict[str, Any]:
    """A rule as a file says it; ``others`` are those that it may ask for."""
    kind = draw_(st.sampled_from(["float", "int", "choice", "factor", "value", "derived"]))
    rule: dict[str, Any]
    if kind in ("choice", "factor"):
        values = st.integers(-5, 5) | st.sampled_from(["x", "y", None])
        rule = {kind: draw_(st.lists(values, min_size=1, max_size=4 if kind == "choice" else 2, unique=True))}
    elif kind == "int":
        low, step = draw_(st.integers(1, 5)), draw_(st.integers(1, 3))
        rule = {"int": [low, low + step * draw_(st.integers(1, 4))]}
        rule |= draw_(st.sampled_from([{}, {"log": True}, {"step": step}]))
    elif kind == "float":
        low = draw_(st.floats(0.01, 9.0))
        rule = {"float": [low, low + draw_(st.floats(0.01, 9.0))], **draw_(st.sampled_from([{}, {"log": True}]))}
    elif kind == "value":
        rule = {"value": draw_(st.integers(-5, 5) | st.sampled_from(["x", None, True]))}
    else:
        name = draw_(st.sampled_from([*others, "a.fixed"]))
        rule = {"derived": draw_(st.sampled_from([f"7 if {name} == 1 else 8", f"{name} == null or {name} == 'x'"]))}
    if kind != "factor" and others and draw_(st.booleans()):
        name = draw_(st.sampled_from(sorted(others)))
        rule["when"] = {name: draw_(wanted(others[name]))}
    return rule


def wanted(rule: dict[str, Any]) -> st.SearchStrategy[Any]:
    """What a condition may ask of a rule."""
    kind, what = next(iter(rule.items()))
    if kind == "derived":
        return st.sampled_from([7, 8, True, [7, 9], {"above": 7}])
    ends = what if isinstance(what, list) else [what]
    asked = st.sampled_from(ends) | st.lists(st.sampled_from(ends), min_size=1, max_size=2)
    numbers = [end for end in ends if isinstance(end, int | float) and not isinstance(end, bool)]
    if not numbers:
        return asked
    some = st.sampled_from(numbers)
    bounds = some.map(lambda end: {"at_least": end}) | some.map(lambda end: {"at_most": end, "above": end - 1})
    return asked | bounds | some.map(lambda end: {"below": end + 0.5, "at_least": end - 0.5})


@st.composite
def written_spaces(draw_: st.DrawFn, names: tuple[str, ...] = NAMES, others: Any = ()) -> dict[str, Any]:
    """A space as a file says it, its lines in any order: conditions may stand before what they ask for."""
    found: dict[str, Any] = {}
    for name in names[: draw_(st.integers(0, len(names)))]:
        found[name] = draw_(rules({**dict(others), **found}))
        if "factor" not in found[name] and draw_(st.integers(0, 5)) == 0:
            found[name].setdefault("when", {})["a.fixed"] = draw_(st.sampled_from([1, 2, [1, 3], {"at_most": 1}]))
    return dict(draw_(st.permutations(list(found.items()))))


def load(written: Any) -> Space:
    return load_space(written, folder=Path("/nowhere"), source="test")


def holds(condition: dict[str, Any], config: dict[str, Any]) -> bool:
    return all(_wanted(config[key], what) for key, what in condition.items())


def _wanted(value: Any, what: Any) -> bool:
    if isinstance(what, dict):
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        low, high = what.get("at_least", -math.inf), what.get("at_most", math.inf)
        return low <= value <= high and what.get("above", -math.inf) < value < what.get("below", math.inf)
    return value in what if isinstance(what, list) else bool(value == what)


@given(written_spaces())
def test_plain_is_the_file_again(written: dict[str, Any]) -> None:
    space = load(written)
    again = load(parse(dump(space.plain()), source=""))
    assert again.rules == space.rules
    assert list(again.rules) == list(space.rules)
    assert again.plain() == space.plain()
    assert {name: {"when": {}, **rule} for name, rule in space.plain().items()} == {
        name: {"when": {}, **rule} for name, rule in written.items()
    }


@given(written_spaces(), st.randoms(use_true_random=False))
def test_an_entry_holds_when_its_condition_does_and_only_then(written: dict[str, Any], random: Any) -> None:
    space = load(written)
    asked: list[str] = []

    def choose(name: str, parameter: Parameter) -> Any:
        asked.append(name)
        return random.choice(parameter.ends)

    cell = random.choice(cells(space))
    point, _ = draw(within(space, cell), BASE, choose)
    assert asked == list(point)
    config = flatten(configured(space, BASES, point, cell))
    assert config == flatten(configured(space, BASES, dict(reversed(point.items())), cell))
    for name, parameter in space.parameters.items():
        assert (name in point) == holds(parameter.when, config)
        assert config[name] == point.get(name, 0)
    for name, rule in space.determined.items():
        assert config[name] == (rule.compute({**config, name: 0}) if holds(rule.when, config) else 0)
    for name in space.factors:
        assert config[name] == cell[name]
    assert config["a.fixed"] == 1


@given(written_spaces())
def test_corners_are_points_and_reach_every_end_that_can_be_drawn(written: dict[str, Any]) -> None:
    space = load(written)
    points = list(corners(space, BASE))
    assert len({repr(point) for point in points}) == len(points) >= 1
    for point in points:
        cell = {name: point[name] for name in space.factors}
        drawn = draw(within(space, cell), BASE, lambda name, _, point=point: point[name])[0]  # type: ignore[misc]
        assert flatten(configured(space, BASES, drawn, cell)) == {**BASE, **point}
        assert all(space.parameters[name].has(value) for name, value in drawn.items())
    for cell in cells(space):
        here = [point for point in points if cell.items() <= point.items()]
        for name, parameter in space.parameters.items():
            if not parameter.when:
                assert {repr(point[name]) for point in here} >= {repr(end) for end in parameter.ends}


def test_conditions_come_after_what_they_ask_for() -> None:
    first = {"float": [0, 1], "when": {"a.d": "x"}}
    space = load({"a.b": first, "a.c": {"int": [1, 2]}, "a.d": {"choice": ["x", "y"]}})
    assert list(space.parameters) == ["a.d", "a.b", "a.c"]


def test_a_condition_in_the_middle_of_a_range_is_tried_too() -> None:
    space = load({"a.b": {"int": [1, 9]}, "a.c": {"int": [1, 2], "when": {"a.b": 5}}})
    assert {(p["a.b"], p.get("a.c")) for p in corners(space, BASE)} >= {(5, 1), (5, 2), (1, None), (9, None)}


def test_at_most_a_few_thousand_corners() -> None:
    space = load({f"a.{number}": {"int": [1, 2]} for number in range(20)})
    points = list(corners(space, {}))
    assert 4096 <= len(points) <= 4096 + 2 * 20


def test_what_can_be_drawn() -> None:
    ints, steps = Int(low=1, high=5), load({"a.b": {"float": [0.1, 0.7], "step": 0.2}}).parameters["a.b"]
    assert [ints.has(value) for value in (1, 5, 0, 6, 2.0, 2.5, True, "1")] == [True, True, *[False] * 6]
    assert [steps.has(value) for value in (0.1, 0.3, 0.7, 0.2, 0.9)] == [True, True, True, False, False]
    assert Choice(values=("a", 1)).has("a")
    assert not Choice(values=("a", 1)).has("b")


def test_a_space_without_new_words_is_plain_as_ever() -> None:
    written = {"a.b": {"float": [0.1, 0.7], "step": 0.2}, "a.c": {"choice": ["x"], "when": {"a.b": 0.1}}}
    assert load(written).plain() == written
    assert list(load(written).plain()["a.c"]) == ["choice", "when"]


@pytest.mark.parametrize(
    ("bounds", "reached"),
    [
        ({"at_least": 0.3}, (0.3, 0.7)),
        ({"above": 0.3}, (math.nextafter(0.3, 1), 0.7)),
        ({"above": 0.2, "at_most": 0.5}, (math.nextafter(0.2, 1), 0.5)),
        ({"below": 0.1}, ()),
        ({"at_most": 0.1}, (0.1,)),
        ({"above": 0.7}, ()),
    ],
)
def test_what_bounds_leave_of_a_range(bounds: dict[str, float], reached: tuple[float, ...]) -> None:
    assert Float(low=0.1, high=0.7).reach(bounds) == reached


def test_what_bounds_leave_of_steps_and_values() -> None:
    steps = Float(low=0.1, high=0.7, step=0.2)
    assert steps.reach({"above": 0.1, "below": 0.7}) == (0.3, 0.5)
    assert steps.reach({"at_least": 0.31, "at_most": 0.49}) == ()
    assert Int(low=1, high=9).reach({"above": 3, "below": 5.5}) == (4, 5)
    assert Int(low=1, high=9, step=4).reach({"above": 1}) == (5, 9)
    assert Int(low=1, high=9).reach({"above": 3.2, "below": 3.8}) == ()
    assert [type(value) for value in Int(low=1, high=9).reach({"above": 3})] == [int, int]
    assert Choice(values=(1, "x", 5, None)).reach({"above": 1}) == (5,)


def test_a_step_is_in_the_config_as_it_would_be_written() -> None:
    """Optuna adds steps up: three of 0.1 are 0.30000000000000004 for it, and no condition asks for that."""
    space = load({"a.b": {"float": [0.1, 0.7], "step": 0.1}, "a.c": {"int": [1, 2], "when": {"a.b": 0.3}}})
    point = draw(space, BASE, lambda name, _: {"a.b": 0.1 + 2 * 0.1, "a.c": 2}[name])[0]
    assert point == {"a.b": 0.30000000000000004, "a.c": 2}
    assert configured(space, BASES, point)["a"] == {**BASES[""]["a"], "b": 0.3, "c": 2}

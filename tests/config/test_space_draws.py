"""Drawing from a space: conditions, order, corners, and the way back to a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sparsetune.config.parameters import Choice, Int, Parameter
from sparsetune.config.space import Space, corners, draw, load_space
from sparsetune.config.yaml_io import dump, parse

NAMES = tuple(f"a.{letter}" for letter in "bcdef")
BASE = {**dict.fromkeys(NAMES, 0), "a.fixed": 1}


@st.composite
def entries(draw_: st.DrawFn, conditions: dict[str, Any]) -> dict[str, Any]:
    """A parameter as a file says it; ``conditions`` are the parameters that it may ask for."""
    kind = draw_(st.sampled_from(["float", "int", "choice"]))
    entry: dict[str, Any]
    if kind == "choice":
        values = st.integers(-5, 5) | st.sampled_from(["x", "y", None])
        entry = {"choice": draw_(st.lists(values, min_size=1, max_size=4, unique=True))}
    elif kind == "int":
        low, step = draw_(st.integers(1, 5)), draw_(st.integers(1, 3))
        entry = {"int": [low, low + step * draw_(st.integers(1, 4))]}
        entry |= draw_(st.sampled_from([{}, {"log": True}, {"step": step}]))
    else:
        low = draw_(st.floats(0.01, 9.0))
        entry = {"float": [low, low + draw_(st.floats(0.01, 9.0))], **draw_(st.sampled_from([{}, {"log": True}]))}
    if conditions and draw_(st.booleans()):
        name = draw_(st.sampled_from(sorted(conditions)))
        ends = next(iter(conditions[name].values()))
        entry["when"] = {name: draw_(st.sampled_from(ends) | st.lists(st.sampled_from(ends), min_size=1, max_size=2))}
    return entry


@st.composite
def written_spaces(draw_: st.DrawFn) -> dict[str, Any]:
    """A space as a file says it, its lines in any order: conditions may stand before what they ask for."""
    found: dict[str, Any] = {}
    for name in NAMES[: draw_(st.integers(0, len(NAMES)))]:
        found[name] = draw_(entries(found))
        if draw_(st.integers(0, 5)) == 0:
            found[name].setdefault("when", {})["a.fixed"] = draw_(st.sampled_from([1, 2, [1, 3]]))
    return dict(draw_(st.permutations(list(found.items()))))


def load(written: Any) -> Space:
    return load_space(written, folder=Path("/nowhere"), source="test")


def holds(condition: dict[str, Any], config: dict[str, Any]) -> bool:
    return all(
        config[k] in wanted if isinstance(wanted, list) else config[k] == wanted for k, wanted in condition.items()
    )


@given(written_spaces())
def test_plain_is_the_file_again(written: dict[str, Any]) -> None:
    space = load(written)
    again = load(parse(dump(space.plain()), source=""))
    assert again.parameters == space.parameters
    assert list(again.parameters) == list(space.parameters)
    assert {name: {"when": {}, **entry} for name, entry in space.plain().items()} == {
        name: {"when": {}, **entry} for name, entry in written.items()
    }


@given(written_spaces(), st.randoms(use_true_random=False))
def test_a_parameter_is_drawn_when_its_condition_holds_and_only_then(written: dict[str, Any], random: Any) -> None:
    space = load(written)
    asked: list[str] = []

    def choose(name: str, parameter: Parameter) -> Any:
        asked.append(name)
        return random.choice(parameter.ends)

    point = draw(space, BASE, choose)
    assert asked == list(point)
    config = {**BASE, **point}
    for name, parameter in space.parameters.items():
        assert (name in point) == holds(parameter.when, config)


@given(written_spaces())
def test_corners_are_draws_and_reach_every_end_that_can_be_drawn(written: dict[str, Any]) -> None:
    space = load(written)
    points = list(corners(space, BASE))
    assert len({repr(point) for point in points}) == len(points) >= 1
    for point in points:
        assert draw(space, BASE, lambda name, _, point=point: point[name]) == point  # type: ignore[misc]
        assert all(space.parameters[name].has(value) for name, value in point.items())
    free = [name for name, parameter in space.parameters.items() if not parameter.when]
    for name in free:
        assert {repr(point[name]) for point in points} >= {repr(end) for end in space.parameters[name].ends}


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

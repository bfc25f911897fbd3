"""Digests that tell stages and states apart: equal where values are, unlike where anything else is."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from sparsetune.base.durations import Duration
from sparsetune.config.base import Part, of_phases, param
from sparsetune.training.keys import digest, digest_of_state


@dataclass(frozen=True)
class Prune:
    kept: float
    how: tuple[str, ...] = ()


@dataclass(frozen=True)
class Grow:
    kept: float
    how: tuple[str, ...] = ()


class Settings(Part):
    name: str = "any"
    early: float = param(1.0, "what matters early", phase="early")
    late: float = param(1.0, "what matters late", phase="late")


def a_function() -> None:
    """Known by its name."""


@pytest.mark.parametrize(
    "equal",
    [
        (1, 1.0, np.float64(1), np.float32(1), np.int64(1)),
        (0.5, np.float64(0.5), np.float32(0.5)),
        (2**100, 2.0**100),
        (float("inf"), np.inf),
        (True, np.True_),
        ([1, 2.0], (1.0, 2), [np.int32(1), 2]),
        ({"a": 1, "b": 2}, {"b": 2.0, "a": 1}),
        ({"a", "b"}, frozenset({"b", "a"})),
        (Prune(1, ("x",)), Prune(1.0, ["x"])),  # type: ignore[arg-type]
        (Duration(3), Duration(3, "ep")),
        (Settings(late=2.0), Settings(late=np.float64(2.0))),
        (of_phases(Settings(late=1.0), ("early",)), of_phases(Settings(late=2.0), ("early",))),
    ],
)
def test_equal_values_have_equal_digests(equal: tuple[Any, ...]) -> None:
    assert len({digest(each) for each in equal}) == 1


@pytest.mark.parametrize(
    "unlike",
    [
        (True, 1, "True", "1", None, "None"),
        (False, 0, "", [], {}, set(), None),
        (0.1, np.float32(0.1), 0.1 + 2**-55),
        (1, [1], [[1]], {1}, {1: 1}),
        ([1, 2], [2, 1], [12], [1, [2]], "1,2"),
        (["a", "b"], ["a,b"], ["a','b"], ["ab"], ["a", "b", ""]),
        ({"a": 1}, {"a": 2}, {"b": 1}, {1: "a"}, ["a", 1], {"a": 1, "b": 1}),
        (Prune(0.5), Grow(0.5), Prune(0.25), Prune(0.5, ("x",)), {"kept": 0.5, "how": ()}, Prune, "Prune"),
        (Duration(1), Duration(1, "it"), Duration(2)),
        (Settings(), Settings(early=2.0), Settings(name="other"), of_phases(Settings(), ("early",)), Settings),
        (a_function, digest, "a_function"),
    ],
)
def test_unlike_values_have_unlike_digests(unlike: tuple[Any, ...]) -> None:
    assert len({digest(each) for each in unlike}) == len(unlike)


def test_several_values_are_a_sequence_of_them() -> None:
    assert digest(1, "a") == digest(1.0, "a")
    assert len({digest(1, "a"), digest("a", 1), digest((1, "a")), digest(1), digest()}) == 5


NUMBERS = st.sampled_from([0, 1, -1, 0.0, 1.0, 0.5, np.float64(1), np.int8(-1), float("inf"), 10**20, 1e20])
PLAIN = st.one_of(NUMBERS, st.booleans(), st.none(), st.sampled_from(["", "0", "1", "True", "None", "a", "','"]))
VALUES = st.recursive(
    PLAIN,
    lambda each: st.one_of(
        st.lists(each, max_size=2),
        st.lists(each, max_size=2).map(tuple),
        st.dictionaries(st.sampled_from(["a", "b", "1"]), each, max_size=2),
        st.frozensets(PLAIN, max_size=2),
        st.builds(Prune, PLAIN),
    ),
    max_leaves=4,
)


def meaning(value: Any) -> Any:
    """Of equal things equal ones: Python itself says so, but for kinds that it takes for one another."""
    if isinstance(value, Prune):
        return "Prune", meaning(vars(value))
    if isinstance(value, Mapping):
        return "mapping", frozenset((key, meaning(each)) for key, each in value.items())
    if isinstance(value, frozenset):
        return "set", frozenset(map(meaning, value))
    if isinstance(value, list | tuple):
        return "sequence", tuple(map(meaning, value))
    return "bool" if isinstance(value, bool) else "plain", value


@given(VALUES, VALUES)
@settings(max_examples=500)
def test_digests_are_equal_where_values_are_and_only_there(one: Any, other: Any) -> None:
    assert (digest(one) == digest(other)) == (meaning(one) == meaning(other))


class Callable:
    """An object that can be called, whose values nobody sees."""

    def __init__(self, value: float) -> None:
        self.value = value

    def __call__(self) -> float:
        return self.value

    def method(self) -> float:
        return self.value


def closing_over(value: float) -> Any:
    def closure() -> float:
        return value

    return closure


@pytest.mark.parametrize(
    "value",
    [
        lambda: None,
        object(),
        Callable(1),
        functools.partial(digest, 1),
        torch.ones(1),
        np.ones(1),
        b"bytes",
        nn.Linear(1, 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_has_no_value_is_refused(value: Any) -> None:
    for whole in (value, [{"a": value}], Prune(value)):
        with pytest.raises(TypeError, match=r"tells no stages apart|has no name that tells it from others"):
            digest(whole)


@pytest.mark.parametrize("value", [Callable(1).method, closing_over(1)], ids=["method", "closure"])
def test_a_function_that_holds_values_is_refused(value: Any) -> None:
    """Two that hold other values have one name."""
    with pytest.raises(TypeError, match=r"has no name that tells it from others"):
        digest(value)


STATE = {
    "network": {"weight": torch.tensor([[1.0, -2.0, 0.0], [0.5, 3.0, 4.0]]), "steps": torch.tensor(3)},
    "optimizer": {"state": {0: {"step": 1}, 10: {"step": 2}}, "groups": [{"lr": 0.1, "betas": (0.9, 0.99)}]},
    "none": None,
}


def test_equal_states_have_equal_digests() -> None:
    """Wherever they lie, in whatever order their keys came."""
    weight = STATE["network"]["weight"]
    assert digest_of_state(STATE) == digest_of_state(dict(reversed(STATE.items())))
    assert digest_of_state(weight) == digest_of_state(weight.clone()) == digest_of_state(weight.t().clone().t())
    assert digest_of_state(weight) == digest_of_state(weight.repeat(2, 2)[2:, 3:])
    assert digest_of_state(weight) == digest_of_state(nn.Parameter(weight))
    assert digest_of_state([1, (2.0,)]) == digest_of_state((1.0, [2]))


def changed(path: tuple[Any, ...], value: Any, state: Any = STATE) -> Any:
    """A state with another value at a path."""
    if not path:
        return value
    first, *rest = path
    if isinstance(state, dict):
        return {**state, first: changed(tuple(rest), value, state[first])}
    return [changed(tuple(rest), value, each) if place == first else each for place, each in enumerate(state)]


def test_unlike_states_have_unlike_digests() -> None:
    weight = STATE["network"]["weight"]
    negative = weight.clone()
    negative[0, 2] = -0.0
    assert torch.equal(negative, weight)
    others = [
        changed(("network", "weight"), negative),
        changed(("network", "weight"), weight.double()),
        changed(("network", "weight"), weight.view(torch.int32)),
        changed(("network", "weight"), weight.flatten()),
        changed(("network", "weight"), weight.reshape(3, 2)),
        changed(("network", "weight"), weight.tolist()),
        changed(("network", "steps"), torch.tensor([3])),
        changed(("network", "steps"), 3),
        changed(("optimizer", "state"), {0: {"step": 1}, 1: {"step": 2}}),
        changed(("optimizer", "state"), {0: {"step": 1}}),
        changed(("optimizer", "groups", 0, "lr"), 0.2),
        changed(("optimizer", "groups", 0, "betas"), (0.99, 0.9)),
        changed(("none",), 0),
        {"network": STATE["network"], "optimizer": STATE["optimizer"]},
    ]
    assert len({digest_of_state(each) for each in [STATE, *others]}) == 1 + len(others)


def test_tensors_without_numbers_are_told_apart_by_what_they_are() -> None:
    empty = [torch.empty(0), torch.empty(0, 2), torch.empty(2, 0), torch.empty(0).bool(), torch.empty(0).bfloat16()]
    assert len({digest_of_state(each) for each in empty}) == len(empty)


TENSORS = st.builds(
    lambda numbers, dtype: torch.tensor(numbers).to(dtype),
    st.lists(st.integers(0, 5), min_size=1, max_size=6),
    st.sampled_from([torch.float32, torch.bfloat16, torch.int64, torch.uint8, torch.bool]),
)
STATES = st.recursive(
    st.one_of(TENSORS, st.integers(0, 3), st.booleans(), st.none(), st.text("ab", max_size=2)),
    lambda each: st.one_of(
        st.lists(each, max_size=3), st.dictionaries(st.one_of(st.text("ab", max_size=2), st.integers(0, 3)), each)
    ),
    max_leaves=6,
)


def written(state: Any) -> Any:
    """A state as hashable plain values."""
    if isinstance(state, Tensor):
        return "tensor", str(state.dtype), tuple(state.shape), tuple(state.tolist())
    if isinstance(state, dict):
        return "mapping", frozenset((key, written(each)) for key, each in state.items())
    if isinstance(state, list):
        return "list", tuple(map(written, state))
    return type(state).__name__, state


@given(STATES, STATES)
@settings(max_examples=300)
def test_digests_of_states_are_equal_where_they_are_and_only_there(one: Any, other: Any) -> None:
    assert (digest_of_state(one) == digest_of_state(other)) == (written(one) == written(other))


@given(TENSORS, st.data())
def test_any_bit_makes_another_state(tensor: Tensor, data: st.DataObject) -> None:
    raw = tensor.clone().view(torch.uint8)
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert digest_of_state({"a": raw.view(tensor.dtype)}) != digest_of_state({"a": tensor})


def test_where_in_the_package_a_class_lies_is_no_part_of_what_it_says() -> None:
    @dataclass(frozen=True)
    class Rule:
        epochs: int = 3

    keys = []
    for module in ("sparsetune.sparsity.history", "sparsetune.elsewhere", "users_own", "another_of_theirs"):
        Rule.__module__ = module
        keys.append(digest(Rule()))
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3

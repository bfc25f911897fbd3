"""Calls within MLflow's limits, and what of them is refused."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE, TEMPORARILY_UNAVAILABLE
from mlflow.utils.validation import MAX_ENTITY_KEY_LENGTH, _validate_metric, _validate_param, _validate_tag

from sparsetune.tracking.limits import (
    BYTES,
    ITEMS,
    KEY,
    PARAM,
    TAG,
    WORDS,
    Item,
    Measurement,
    Param,
    Tag,
    clean,
    fit,
    packed,
    send,
)

words = st.text(max_size=30)
items = st.lists(
    st.builds(Param, words, words)
    | st.builds(Tag, words, words)
    | st.builds(Measurement, words, st.floats(), st.just(1), st.just(1)),
    max_size=60,
)


class Store:
    """Takes all but some names; of batches, as MLflow does, all or nothing."""

    def __init__(self, *bad: str) -> None:
        self.bad, self.got, self.calls = set(bad), [], 0

    def write(self, batch: list[Item]) -> None:
        self.calls += 1
        if self.bad & {item.key for item in batch}:
            raise MlflowException("bad name", INVALID_PARAMETER_VALUE)
        self.got += batch


@pytest.mark.slow
def test_many_of_each_kind() -> None:
    given_items = [
        *(Tag(f"t{index}", "x") for index in range(250)),
        *(Param(f"p{index}", "x" * 6000) for index in range(250)),
        *(Measurement(f"m{index}", 1.0, 1, step) for step in range(300) for index in range(7)),
    ]
    batches = list(packed(given_items))
    assert [item for batch in batches for item in batch] == given_items, "nothing is lost, and the order kept"
    for batch in batches:
        assert len(batch) <= ITEMS
        assert all(sum(isinstance(item, kind) for item in batch) <= WORDS for kind in (Param, Tag))
        assert len(json.dumps([item._asdict() for item in batch])) <= 1_000_000


def test_a_request_stays_below_what_a_server_reads() -> None:
    """Letters that JSON writes with six characters count so."""
    long = [Param(f"p{index}", "ä" * 6000) for index in range(60)]
    points = [Measurement("層" * 250, 1.0, 10**12, step) for step in range(900)]
    for batch in packed([*long, *points]):
        assert len(json.dumps([item._asdict() for item in batch])) <= BYTES + 1000


@given(items, st.sets(words, max_size=5))
@settings(deadline=None)
def test_all_but_what_is_refused_arrives_in_order(sent: list[Item], bad: set[str]) -> None:
    store = Store(*bad)
    refused = send(sent, store.write)
    assert store.got == [item for item in sent if item.key not in bad]
    assert {label.partition(" ")[2] for label in refused} == {repr(item.key) for item in sent if item.key in bad}


def test_one_bad_name_among_many_points_costs_few_calls() -> None:
    store = Store("m3")
    points = [Measurement(f"m{index}", float(step), 1, step) for step in range(100) for index in range(10)]
    assert list(send(points, store.write)) == ["metric 'm3'"]
    assert len(store.got) == 900
    assert store.calls < 250


def test_an_outage_is_raised() -> None:
    def away(batch: list[Item]) -> None:
        raise MlflowException("away", TEMPORARILY_UNAVAILABLE)

    with pytest.raises(MlflowException, match="away"):
        send([Tag("a", "b")], away)


ODD = (
    "fc(1)", "a@b", "x,y", "p//q", "l" * 260, "/lead", "trail/", "..", ".", "", "a/../b", "a/./b", "fc[1]",
    "50% #1 {a}?", "a\nb", "a\n", "tab\t", "nul\0", "half \ud800", "..0", "...", "quote'\"", "back\\slash",
    "a" * 249 + "()", "x-0123abcd",
)  # fmt: skip
PLAIN = (
    "loss", "val_accuracy", "layer_density/conv1.weight", "layer_density/block.0/x", "a b", "a:b", "größe", "層.重み",
    "-", ".x", "a..b", "a/...", "l" * 250, "x-0123abc", "x-0123ABCD", " a ",
)  # fmt: skip


@pytest.mark.parametrize("name", PLAIN)
def test_names_that_mlflow_takes_stay(name: str) -> None:
    assert clean(name) == name
    _validate_metric(name, 1.0, 1, 1)


@pytest.mark.parametrize("name", ODD)
def test_other_names_are_cleaned_and_still_told_apart(name: str) -> None:
    found = clean(name)
    assert found != name
    assert re.search(r"-[0-9a-f]{8}$", found)
    assert len(found) <= KEY == MAX_ENTITY_KEY_LENGTH
    _validate_metric(found, 1.0, 1, 1)
    _validate_param(found, "1")
    _validate_tag(found, "1")


def test_what_looks_alike_afterwards_has_two_names() -> None:
    names = [*ODD, *PLAIN, "fc{1}", "fc(1]", "p///q", "l" * 261, *map(clean, ODD)]
    assert len({clean(name) for name in names}) == len(names)


def test_a_name_stays_the_same_from_run_to_run() -> None:
    assert clean("layer_density/fc(1).weight") == "layer_density/fc_1_.weight-8ab1f7c3"


@given(st.text(st.characters(), max_size=300), st.text("ab/.()-0 \n", max_size=12))
@settings(deadline=None)
def test_any_name_is_taken_and_two_are_never_one(one: str, other: str) -> None:
    for name in (one, other, one + other):
        _validate_metric(clean(name), 0.0, 0, 0)
    assert (clean(one) == clean(other)) == (one == other)
    assert clean(clean(one)) == clean(one) or clean(one) != one


@given(st.text(st.characters(), max_size=60), st.integers(20, 50))
@settings(deadline=None)
def test_words_that_are_too_long_are_cut_and_told_apart(text: str, most: int) -> None:
    found = fit(text, most)
    assert len(found) <= most
    assert "\0" not in found
    found.encode()
    if len(text) <= most and text.isprintable():
        assert found == text
    assert fit(text + "x" * most, most) != fit(text + "x" * most + "y", most)


def test_limits_are_mlflow_s() -> None:
    """Values above them are cut by its client with a warning, or refused."""
    assert (len(_validate_param("a", "x" * PARAM).value), len(_validate_tag("a", "x" * TAG).value)) == (PARAM, TAG)
    assert len(_validate_param("a", "x" * (PARAM + 1)).value) == PARAM

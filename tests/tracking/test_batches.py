"""Calls within MLflow's limits, and what of them is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE, TEMPORARILY_UNAVAILABLE

from sparsetune.tracking.batches import BYTES, ITEMS, WORDS, Item, Param, Tag, packed, send
from sparsetune.tracking.entry import Point

words = st.text(max_size=30)
items = st.lists(
    st.builds(Param, words, words)
    | st.builds(Tag, words, words)
    | st.builds(Point, words, st.floats(), st.just(1), st.just(1)),
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


def test_many_of_each_kind() -> None:
    given_items = [
        *(Tag(f"t{index}", "x") for index in range(250)),
        *(Param(f"p{index}", "x" * 6000) for index in range(250)),
        *(Point(f"m{index}", 1.0, 1, step) for step in range(300) for index in range(7)),
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
    points = [Point("層" * 250, 1.0, 10**12, step) for step in range(900)]
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
    points = [Point(f"m{index}", float(step), 1, step) for step in range(100) for index in range(10)]
    assert list(send(points, store.write)) == ["metric 'm3'"]
    assert len(store.got) == 900
    assert store.calls < 250


def test_an_outage_is_raised() -> None:
    def away(batch: list[Item]) -> None:
        raise MlflowException("away", TEMPORARILY_UNAVAILABLE)

    with pytest.raises(MlflowException, match="away"):
        send([Tag("a", "b")], away)

"""Names as MLflow's own checks want them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlflow.utils.validation import MAX_ENTITY_KEY_LENGTH, _validate_metric, _validate_param, _validate_tag

from sparsetune.tracking.naming import KEY, PARAM, TAG, clean, fit

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

"""Reasons of failures that differ in numbers only."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sparsetune.base.messages import Trial
from sparsetune.show.answer import alike


def told(*reasons: str) -> list[tuple[str, list[int]]]:
    trials = [Trial(number, "FAIL", {}, {}, {}, (), reason=reason) for number, reason in enumerate(reasons)]
    return [(reason, [trial.number for trial in group]) for reason, group in alike(trials)]


def test_a_number_that_differs_becomes_its_range_and_the_commonest_stands_first() -> None:
    lost = "layer_collapse: no weight of linear2.weight is kept at sparsity"
    found = told("no memory", f"{lost} 0.893975", f"{lost} 0.79712", "no  memory\n", f"{lost} 0.8")
    assert found == [(f"{lost} 0.797 to 0.894", [1, 2, 4]), ("no memory", [0, 3])]


@pytest.mark.parametrize(
    ("reasons", "together"),
    [
        (("loss is 1 in epoch 3", "loss is 20 in epoch 3"), "loss is 1 to 20 in epoch 3"),
        (("at -0.5, then 2e-3.", "at 0.25, then 4e-3."), "at -0.5 to 0.25, then 0.002 to 0.004."),
        (("at 0.12345678", "at 0.12345678"), "at 0.12345678"),
        (("at 0.50001", "at 0.50002"), "at 0.5"),
        (("9 of 10", "10 of 10"), "9 to 10 of 10"),
    ],
)
def test_ranges_by_hand(reasons: tuple[str, str], together: str) -> None:
    assert told(*reasons) == [(together, [0, 1])]


@pytest.mark.parametrize(
    "names",
    [("linear1.weight", "linear2.weight"), ("features.0.weight", "features.3.weight"), ("a/1", "a/2"),
     ("1.0.2", "1.0.3"), ("2026-11-21", "2026-11-22"), ("7" * 5000, "8" * 5000)],
)  # fmt: skip
def test_a_number_in_a_name_is_no_number(names: tuple[str, str]) -> None:
    assert [reason for reason, _ in told(*(f"no {name} here" for name in names))] == [
        f"no {name} here" for name in names
    ]


def test_without_a_reason() -> None:
    assert told("", "") == [("no reason given", [0, 1])]


@given(st.lists(st.text(st.sampled_from("ab 019.-e,\0")), max_size=8))
@example(["at \0", "at 0", "at 1 to 2", "at 1", "at 2"])
def test_each_trial_stands_once(reasons: list[str]) -> None:
    found = told(*reasons)
    assert sorted(number for _, numbers in found for number in numbers) == list(range(len(reasons)))
    assert [len(numbers) for _, numbers in found] == sorted((len(numbers) for _, numbers in found), reverse=True)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=8))
def test_numbers_as_python_writes_them_are_one_reason(values: list[float]) -> None:
    assert len(told(*(f"it became {value}" for value in values))) == 1

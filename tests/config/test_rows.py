"""Rows and replicates of a trial, and their means, by hand and against SciPy."""

from __future__ import annotations

import math

import pytest
from helpers.trials import FORK, PLAIN, several
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import sem

from sparsetune.base.messages import Key, Run, State, Trial
from sparsetune.config.study.constraints import Constraint
from sparsetune.config.study.rows import branch_rows, mean_and_error, replicate_rows

RESULTS = {
    (seed, branch.name): {"acc": 0.5 + 0.1 * place + 0.02 * seed, "loss": 1.0 - seed}
    for seed in (0, 1)
    for place, branch in enumerate(FORK)
}


def test_a_plain_trial_is_its_own_row_and_has_no_replicates() -> None:
    trial = Trial(0, "COMPLETE", {}, {}, {"acc": 0.5}, runs=(Run(Key(0), "COMPLETE", {"acc": 0.5}),))
    assert branch_rows(trial) == [trial]
    assert branch_rows(trial)[0] is trial
    assert replicate_rows(trial) == []


def test_each_branch_is_a_row_with_its_own_numbers() -> None:
    gate = (Constraint(metric="acc", at_least=0.6),)
    rows = branch_rows(several(3, RESULTS), ["acc", "loss"], gate)
    assert [row.label for row in rows] == ["3 mc_samples=1", "3 mc_samples=5", "3 mc_samples=50"]
    assert [row.params["method.mc_samples"] for row in rows] == [1, 5, 50]
    assert [row.config["method"]["mc_samples"] for row in rows] == [1, 5, 50]
    assert [row.values for row in rows] == [
        pytest.approx((0.51, 0.5)), pytest.approx((0.61, 0.5)), pytest.approx((0.71, 0.5)),
    ]  # fmt: skip
    assert [row.errors["acc"] for row in rows] == pytest.approx([0.01] * 3)
    assert [row.feasible for row in rows] == [False, True, True]
    assert [branch_rows(row) for row in rows] == [[row] for row in rows], "a row is its own row"


def test_each_replicate_of_a_row_has_its_seed() -> None:
    row = branch_rows(several(3, RESULTS))[1]
    each_seed = replicate_rows(row)
    assert [(each.seed, each.config["seed"], each.branch) for each in each_seed] == [
        (0, 0, "mc_samples=5"),
        (1, 1, "mc_samples=5"),
    ]
    assert [each.metrics for each in each_seed] == [RESULTS[seed, "mc_samples=5"] for seed in (0, 1)]
    assert [replicate_rows(each) for each in each_seed] == [[], []]


@pytest.mark.parametrize(
    ("of_trial", "of_runs", "of_row"),
    [
        ("COMPLETE", ("COMPLETE", "COMPLETE"), "COMPLETE"),
        ("RUNNING", ("COMPLETE", "RUNNING"), "RUNNING"),
        ("RUNNING", ("COMPLETE", "COMPLETE"), "COMPLETE"),
        ("PRUNED", ("COMPLETE", "RUNNING"), "PRUNED"),
        ("FAIL", ("COMPLETE", "FAIL"), "FAIL"),
        ("RUNNING", ("FAIL", "RUNNING"), "FAIL"),
    ],
)
def test_a_branch_is_complete_when_all_its_seeds_are(
    of_trial: State, of_runs: tuple[State, State], of_row: State
) -> None:
    runs = tuple(Run(Key(0, seed, "mc_samples=1"), state, {"acc": 0.5}) for seed, state in enumerate(of_runs))
    rows = branch_rows(Trial(0, of_trial, {}, {}, runs=runs, branches=FORK), ["acc"])
    assert rows[0].state == of_row
    assert rows[0].values == ((0.5,) if of_row == "COMPLETE" else ())


def test_mean_and_standard_error_by_hand() -> None:
    """1, 2, 3, 4: mean 2.5, s^2 = 5/3, s / sqrt(4) = 0.6455."""
    means, errors = mean_and_error([{"a": value, "b": 7.0} for value in (1.0, 2.0, 3.0, 4.0)])
    assert means == {"a": 2.5, "b": 7.0}
    assert errors == {"a": pytest.approx(0.6454972243679028), "b": 0.0}


def test_one_replicate_has_no_error_and_none_has_nothing() -> None:
    assert mean_and_error([{"a": 1.0}]) == ({"a": 1.0}, {})
    assert mean_and_error([]) == ({}, {})


def test_a_number_that_one_replicate_lacks_has_no_mean_and_an_infinite_one_no_error() -> None:
    means, errors = mean_and_error([{"a": 1.0, "b": 1.0, "c": math.nan}, {"a": math.inf, "c": 1.0}])
    assert set(means) == {"a", "c"}
    assert (means["a"], errors) == (math.inf, {})


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=9))
def test_the_standard_error_is_scipys(values: list[float]) -> None:
    means, errors = mean_and_error([{"a": value} for value in values])
    assert means["a"] == pytest.approx(sum(values) / len(values), abs=1e-9)
    assert errors["a"] == pytest.approx(float(sem(values)), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("values", "mean", "error"),
    [
        ((1e200, 3e200), 2e200, None),  # their squares are no floats
        ((1e150, 3e150), 2e150, 1e150),  # s^2 = 2e300, s / sqrt(2) = 1e150
        ((1.7e308, 1.6e308), math.inf, None),  # nor is their sum
        ((1.7e308, 1.7e308), 1.7e308, 0.0),
        ((6715.627037882511,) * 3, 6715.627037882511, 0.0),  # their sum is rounded, and a third of it is another number
        ((math.inf, math.inf), math.inf, None),
        ((math.inf, 1.0), math.inf, None),
        ((-math.inf, 1.0, 2.0), -math.inf, None),
        ((math.inf, -math.inf), math.nan, None),
        ((math.nan, 1.0), math.nan, None),
    ],
)
def test_numbers_beyond_what_squares_can_hold(values: tuple[float, ...], mean: float, error: float | None) -> None:
    """A mean, where there is one, and no error; the other numbers of the replicates are none the worse."""
    means, errors = mean_and_error([{"a": value, "b": float(place)} for place, value in enumerate(values)])
    assert means["a"] == pytest.approx(mean, nan_ok=True)
    assert errors.get("a") == (error and pytest.approx(error))
    assert means["b"] == (len(values) - 1) / 2
    assert errors["b"] == pytest.approx(float(sem(range(len(values)))))


@given(st.lists(st.floats(), min_size=2, max_size=6))
def test_any_numbers_have_a_mean_and_every_error_is_a_number(values: list[float]) -> None:
    means, errors = mean_and_error([{"a": value} for value in values])
    assert set(means) == {"a"}
    assert all(math.isfinite(error) and error >= 0 for error in errors.values())
    if all(math.isfinite(value) and abs(value) < 1e150 for value in values):
        assert set(errors) == {"a"}
    if not all(map(math.isfinite, values)):
        assert errors == {}


def test_replicates_without_a_fork() -> None:
    trial = several(2, {(seed, ""): {"acc": float(seed)} for seed in (4, 5, 6)}, branches=PLAIN)
    assert branch_rows(trial) == [trial]
    assert [each.seed for each in replicate_rows(trial)] == [4, 5, 6]
    assert (trial.label, trial.metrics["acc"]) == ("2", 5.0)

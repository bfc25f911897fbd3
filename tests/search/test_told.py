"""What a sampler is told of a trial's end, worked out by hand."""

from __future__ import annotations

from math import inf, nan, sqrt
from typing import Any

import pytest

from sparsetune.base.messages import Branch, Key, Metrics, Run, State, Trial
from sparsetune.config.study.constraints import Constraint
from sparsetune.config.study.file import Objective
from sparsetune.search.told import Told, told

LOSS = Objective(metric="loss", goal="minimize")
GOOD = Objective(metric="good", goal="maximize")
SMALL = Constraint(metric="size", at_most=10)


def end(
    branches: dict[str, list[Metrics]],
    *objectives: Objective,
    state: State = "COMPLETE",
    constraints: tuple[Constraint, ...] = (),
    failed: tuple[tuple[str, int], ...] = (),
    reason: str = "",
) -> Told:
    """Of a trial with these metrics by branch and seed; ``failed`` ones by branch and seed."""
    forked = tuple(Branch(name, {"method.m": index} if name else {}) for index, name in enumerate(branches))

    def run(branch: str, seed: int, metrics: Metrics) -> Run:
        lost = (branch, seed) in failed
        ended: dict[str, Any] = {"state": "FAIL", "reason": "it diverged"} if lost else {"state": state}
        return Run(Key(4, seed, branch), metrics=metrics, notes={"of": f"{branch}{seed}"}, **ended)

    runs = [run(branch, seed, metrics) for branch, each in branches.items() for seed, metrics in enumerate(each)]
    trial = Trial(4, "RUNNING", {"x": 1}, {}, runs=tuple(runs), branches=forked)
    return told(trial, state, runs, reason, objectives, constraints)


def test_one_run_is_told_as_it_is() -> None:
    found = end({"": [{"loss": 0.5, "size": 3.0}]}, LOSS)
    assert found == Told("COMPLETE", "", {"loss": 0.5, "size": 3.0}, {}, {"of": "0"}, (0.5,), {})


def test_replicates_have_means_and_standard_errors() -> None:
    found = end({"": [{"loss": 1.0, "good": 0.2}, {"loss": 2.0, "good": 0.2}, {"loss": 6.0}]}, LOSS)
    assert found.values == (3.0,)
    assert found.metrics == {"loss": 3.0}  # the mean of two seeds says nothing of three
    assert found.errors == {"loss": pytest.approx(sqrt((4 + 1 + 9) / 2 / 3))}


def test_of_a_fork_the_best_row() -> None:
    rows = {
        "m=1": [{"loss": 0.4, "good": 1.0}],
        "m=2": [{"loss": 0.1, "good": 7.0}],
        "m=3": [{"loss": 0.3, "good": 9.0}],
    }
    assert end(rows, LOSS).metrics == {"loss": 0.1, "good": 7.0}
    assert end(rows, LOSS).notes == {"of": "m=20"}
    assert end(rows, GOOD).values == (9.0,)


def test_of_a_fork_with_several_objectives_the_rows_mean() -> None:
    rows = {"m=1": [{"loss": 0.4, "good": 1.0}], "m=2": [{"loss": 0.2, "good": 9.0}]}
    found = end(rows, GOOD, LOSS)
    assert found.values == (5.0, pytest.approx(0.3))
    assert found.errors == {}  # rows differ by more than chance


def test_of_replicated_forks_the_best_mean() -> None:
    rows = {"m=1": [{"loss": 0.0}, {"loss": 8.0}], "m=2": [{"loss": 3.0}, {"loss": 3.0}]}
    found = end(rows, LOSS)
    assert (found.values, found.errors) == ((3.0,), {"loss": 0.0})


def test_a_row_that_is_not_a_number_is_passed_over() -> None:
    rows = {"m=1": [{"loss": nan, "good": 0.1}], "m=2": [{"loss": 5.0, "good": 0.3}]}
    assert end(rows, LOSS).values == (5.0,)
    assert end(rows, LOSS, GOOD).values == (5.0, 0.3)


def test_a_replicate_that_is_not_a_number_spoils_its_mean() -> None:
    found = end({"": [{"loss": nan, "good": 1.0}, {"loss": 5.0, "good": 2.0}]}, LOSS, GOOD)
    assert (found.state, found.reason, found.values) == ("FAIL", "loss is not a number", ())
    assert found.metrics["good"] == 1.5


def test_no_row_with_all_objectives_is_a_failure_that_names_them() -> None:
    rows = {"m=1": [{"loss": nan, "good": nan}], "m=2": [{"loss": nan, "good": 1.0}]}
    assert end(rows, LOSS, GOOD).reason == "loss, good is not a number"


def test_if_all_branches_failed_it_has_their_reason() -> None:
    rows: dict[str, list[Metrics]] = {"m=1": [{}], "m=2": [{}]}
    found = end(rows, LOSS, failed=(("m=1", 0), ("m=2", 0)))
    assert (found.state, found.reason) == ("FAIL", "it diverged")


def test_a_branch_that_failed_is_passed_over() -> None:
    rows: dict[str, list[Metrics]] = {"m=1": [{"loss": 0.0}], "m=2": [{"loss": 5.0}]}
    found = end(rows, LOSS, failed=(("m=1", 0),))
    assert (found.state, found.values, found.reason) == ("COMPLETE", (5.0,), "")
    lost: dict[str, list[Metrics]] = {"m=1": [{}], "m=2": [{"loss": 5.0}]}
    assert end(lost, LOSS, failed=(("m=1", 0),)).values == (5.0,)


def test_if_all_that_ended_well_is_not_a_number_it_says_so() -> None:
    rows: dict[str, list[Metrics]] = {"m=1": [{"loss": 0.5}], "m=2": [{"loss": nan}]}
    found = end(rows, LOSS, failed=(("m=1", 0),))
    assert (found.state, found.reason) == ("FAIL", "loss is not a number")


def test_a_row_that_breaks_a_constraint_never_represents_one_that_does_not() -> None:
    rows = {"m=1": [{"loss": 0.1, "size": 12.0}], "m=2": [{"loss": 0.9, "size": 8.0}]}
    found = end(rows, LOSS, constraints=(SMALL,))
    assert (found.values, found.violations) == ((0.9,), {SMALL.name: -2.0})
    both = end(rows, LOSS, Objective(metric="size", goal="minimize"), constraints=(SMALL,))
    assert both.values == (0.9, 8.0)


def test_if_all_rows_break_a_constraint_the_nearest_to_it_is_told() -> None:
    rows = {"m=1": [{"loss": 0.1, "size": 14.0}], "m=2": [{"loss": 0.9, "size": 12.0}]}
    found = end(rows, LOSS, constraints=(SMALL,))
    assert (found.values, found.violations) == ((0.9,), {SMALL.name: 2.0})
    both = end(rows, LOSS, Objective(metric="size", goal="minimize"), constraints=(SMALL,))
    assert (both.values, both.violations) == ((0.9, 12.0), {SMALL.name: 2.0})


def test_what_is_met_with_room_to_spare_makes_up_for_nothing() -> None:
    heard = Constraint(metric="good", at_least=1)
    rows = {"m=1": [{"loss": 0.1, "size": 13.0, "good": 50.0}], "m=2": [{"loss": 0.9, "size": 12.0, "good": 1.0}]}
    assert end(rows, LOSS, constraints=(SMALL, heard)).values == (0.9,)


def test_the_mean_of_feasible_rows_is_feasible() -> None:
    """Each bound is an interval: means of what lies inside lie inside."""
    rows = {
        "m=1": [{"loss": 0.1, "size": 2.0}],
        "m=2": [{"loss": 0.9, "size": 10.0}],
        "m=3": [{"loss": 0.0, "size": 99.0}],
    }
    found = end(rows, LOSS, Objective(metric="size", goal="minimize"), constraints=(SMALL,))
    assert (found.values, found.violations) == ((0.5, 6.0), {SMALL.name: -4.0})


def test_a_constraint_on_what_is_not_a_number_is_broken() -> None:
    found = end({"": [{"loss": 0.1, "size": nan}]}, LOSS, constraints=(SMALL,))
    assert (found.state, found.violations) == ("COMPLETE", {SMALL.name: inf})


@pytest.mark.parametrize("state", ["PRUNED", "FAIL"])
def test_a_trial_that_was_cut_short_has_what_its_first_branch_had(state: State) -> None:
    rows: dict[str, list[Metrics]] = {"m=1": [{"loss": 0.5, "size": 12.0}], "m=2": [{}]}
    found = end(rows, LOSS, state=state, constraints=(SMALL,), reason="pruned after epoch 3")
    assert (found.state, found.reason, found.values) == (state, "pruned after epoch 3", ())
    assert (found.metrics, found.violations) == ({"loss": 0.5, "size": 12.0}, {SMALL.name: 2.0})


def test_a_replicate_that_failed_leaves_the_numbers_of_the_others() -> None:
    found = end(
        {"": [{"loss": 1.0}, {"loss": 9.0}]}, LOSS, state="FAIL", failed=(("", 1),), reason="seed 1: it diverged"
    )
    assert found.reason == "seed 1: it diverged"
    assert (found.state, found.values) == ("FAIL", ())


def test_a_trial_that_never_reported_has_nothing() -> None:
    found = end({"": [{}]}, LOSS, state="FAIL", constraints=(SMALL,), reason="its worker died twice")
    assert (found.metrics, found.violations, found.reason) == ({}, {}, "its worker died twice")


def test_a_constraint_without_a_number_counts_as_met_by_what_is_complete() -> None:
    """Samplers want the same constraints of all trials; of one that was cut short nothing is known."""
    both = (SMALL, Constraint(metric="error", at_most=0.05))
    assert end({"": [{"loss": 1.0, "size": 12.0}]}, LOSS, constraints=both).violations == {
        "size at most 10": 2.0, "error at most 0.05": 0.0,
    }  # fmt: skip
    for state in ("PRUNED", "FAIL"):
        short = end({"": [{"loss": 1.0, "size": 12.0}]}, LOSS, constraints=both, state=state)
        assert short.violations == {"size at most 10": 2.0}

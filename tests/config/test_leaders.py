"""Which rows led when their trial ended."""

from __future__ import annotations

import random
from functools import partial

import pytest
from helpers.trials import several

from sparsetune.base.messages import Branch, Trial
from sparsetune.config.metrics import Goal
from sparsetune.config.study.constraints import Constraint
from sparsetune.config.study.front import Front, Leaders
from sparsetune.config.study.rows import branch_rows

NAN = float("nan")


def rows(trial: Trial) -> list[Trial]:
    return [trial]


def trial(number: int, *values: float, state: str = "COMPLETE", **more: object) -> Trial:
    return Trial(number, state, {}, {}, values=values, ended_ms=1000 * number, **more)  # type: ignore[arg-type]


def led(goals: list[Goal], *trials: Trial) -> list[int]:
    leaders = Leaders(goals, rows)
    return [each.number for each in trials if leaders.of(each)]


def test_with_one_objective_those_that_were_the_best_so_far() -> None:
    values = [0.5, 0.4, 0.5, 0.6, NAN, 0.7]
    trials = [trial(number, value) for number, value in enumerate(values)]
    assert led(["maximize"], *trials) == [0, 3, 5], "of equal ones the first"
    assert led(["minimize"], *trials) == [0, 1]


def test_with_two_objectives_those_that_were_on_the_front() -> None:
    values = [(0.5, 0.5), (0.4, 0.6), (0.4, 0.4), (0.6, 0.3), (0.5, 0.3), (0.6, 0.3)]
    trials = [trial(number, *each) for number, each in enumerate(values)]
    assert led(["maximize", "minimize"], *trials) == [0, 2, 3, 5], "equal ones beat each other not"


def test_only_complete_rows_within_the_constraints_lead() -> None:
    trials = [trial(0, 0.9, feasible=False), trial(1, 0.8, state="PRUNED"), trial(2, state="FAIL"), trial(3, 0.1)]
    assert led(["maximize"], *trials) == [3]


def test_a_trial_that_is_told_again_led_as_it_did() -> None:
    first, second = trial(0, 0.5), trial(1, 0.6)
    leaders = Leaders(["maximize"], rows)
    assert (leaders.of(first), leaders.of(second)) == (leaders.of(first), {""})
    assert leaders.of(first) == {""}


def test_earlier_trials_are_heard_in_the_order_of_their_ends() -> None:
    """Number 2 ended before number 1, which was not the best any more."""
    first, second = trial(1, 0.5), trial(2, 0.6)
    late = Trial(1, "COMPLETE", {}, {}, values=(0.5,), ended_ms=9000)
    running = Trial(3, "RUNNING", {}, {})
    assert Leaders(["maximize"], rows, [first, second, running]).of(first) == {""}
    leaders = Leaders(["maximize"], rows, [late, second, running])
    assert leaders.of(late) == set()
    assert leaders.of(trial(3, 0.55)) == set(), "the first new one is not taken for the best"
    assert leaders.of(trial(4, 0.65)) == {""}


def test_of_a_fork_each_branch_is_a_row() -> None:
    constraints = [Constraint(metric="cost", at_most=5.0)]
    rows_of = partial(branch_rows, objectives=("gain", "cost"), constraints=constraints)
    branches = [Branch(f"c={c}", {"method.c": c}) for c in (1, 2, 3)]
    results = {
        (0, "c=1"): {"gain": 0.5, "cost": 2.0},
        (0, "c=2"): {"gain": 0.5, "cost": 3.0},  # beaten by the one before
        (0, "c=3"): {"gain": 0.9, "cost": 6.0},  # costs too much
    }
    assert Leaders(["maximize", "minimize"], rows_of).of(several(0, results, branches=branches)) == {"c=1"}
    assert Leaders(["maximize"], partial(branch_rows, objectives=("gain",))).of(
        several(0, results, branches=branches)
    ) == {"c=3"}


@pytest.mark.parametrize("goals", [["maximize"], ["maximize", "minimize"], ["minimize", "minimize", "maximize"]])
def test_it_is_the_same_as_looking_at_all_trials_so_far(goals: list[Goal]) -> None:
    draw = random.Random(1)
    trials = [trial(number, *(draw.randint(0, 9) / 10 for _ in goals)) for number in range(80)]
    leaders = Leaders(goals, rows, trials[:30])
    for number, each in enumerate(trials):
        front: Front[int] = Front(goals)
        for other in trials[: number + 1]:
            front.add(other.number, other.values)
        on_it = front.some(len(front))
        assert bool(leaders.of(each)) == (each.number in (on_it[:1] if len(goals) == 1 else on_it))

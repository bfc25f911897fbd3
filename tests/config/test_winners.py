"""Which rows win, against comparing all with all."""

from __future__ import annotations

import math

import pytest
from helpers.trials import FORK
from hypothesis import given
from hypothesis import strategies as st

from sparsetune.base.messages import Key, Run, State, Trial
from sparsetune.config.metrics import Goal
from sparsetune.config.study.front import best_rows, chosen_rows
from sparsetune.config.study.rows import branch_rows

STATES: tuple[State, ...] = ("COMPLETE", "COMPLETE", "COMPLETE", "PRUNED", "FAIL", "RUNNING")
GOALS: tuple[Goal, Goal] = ("maximize", "minimize")
VALUES = st.one_of(st.integers(0, 4).map(float), st.just(math.nan))


def row(number: int, *values: float, state: State = "COMPLETE", feasible: bool = True, branch: str = "") -> Trial:
    return Trial(number, state, {}, {}, values=values, feasible=feasible, branch=branch)


def beats(one: Trial, other: Trial, goals: list[Goal]) -> bool:
    signs = [1 if goal == "maximize" else -1 for goal in goals]
    pairs = [(s * a, s * b) for s, a, b in zip(signs, one.values, other.values, strict=True)]
    return all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)


@st.composite
def studies(draw: st.DrawFn) -> tuple[list[Goal], list[Trial]]:
    goals = draw(st.lists(st.sampled_from(GOALS), min_size=1, max_size=3))
    rows = []
    for place in range(draw(st.integers(0, 12))):
        state = draw(st.sampled_from(STATES))
        values = [draw(VALUES) for _ in goals] if state == "COMPLETE" or draw(st.booleans()) else []
        rows.append(row(place // 2, *values, state=state, feasible=draw(st.booleans()), branch=f"b={place % 2}"))
    return goals, rows


@given(studies())
def test_the_same_as_comparing_all_with_all(study: tuple[list[Goal], list[Trial]]) -> None:
    goals, rows = study
    may_win = [r for r in rows if r.state == "COMPLETE" and r.feasible and not any(map(math.isnan, r.values))]
    expected = [r for r in may_win if not any(beats(other, r, goals) for other in may_win)]
    won = best_rows(rows, goals)
    if len(goals) == 1:
        assert won.front == expected[:1], "of equal ones the earliest"
    else:
        assert sorted(map(id, won.front)) == sorted(map(id, expected))
    sign = -1 if goals[0] == "maximize" else 1
    firsts = [sign * each.values[0] for each in won.front]
    assert firsts == sorted(firsts)
    assert len(won.best) == (len(goals) if expected else 0)
    for index, best in enumerate(won.best):
        pick = max if goals[index] == "maximize" else min
        assert best.values[index] == pick(each.values[index] for each in may_win)
        assert any(best is each for each in expected)


def test_by_hand() -> None:
    rows = [
        row(0, 0.9, 3.0),
        row(0, 0.8, 1.0, branch="mc_samples=5"),
        row(1, 0.99, 0.5, feasible=False),
        row(2, 0.85, 3.5),
        row(3, state="PRUNED"),
        row(4, 0.95, math.nan),
    ]
    won = best_rows(rows, GOALS)
    assert [each.label for each in won.front] == ["0", "0 mc_samples=5"]
    assert [each.label for each in won.best] == ["0", "0 mc_samples=5"]


@pytest.mark.parametrize("goals", [["maximize"], ["maximize", "minimize"]])
def test_where_nothing_may_win_there_is_nothing(goals: list[Goal]) -> None:
    rows = [row(0, *([0.5] * len(goals)), feasible=False), row(1, state="FAIL")]
    won = best_rows(rows, goals)
    assert (won.front, won.best) == ([], [])


def test_of_equal_rows_the_earliest_is_the_best_of_one_objective_and_all_are_on_a_front() -> None:
    of_one = [row(0, 0.4), row(1, 0.5), row(2, 0.5)]
    assert [each.number for each in best_rows(of_one, ["maximize"]).front] == [1]
    of_two = [row(0, 0.5, 1.0), row(1, 0.5, 1.0)]
    assert [each.number for each in best_rows(of_two, GOALS).front] == [0, 1]


@pytest.mark.parametrize("state", ["PRUNED", "FAIL"])
@pytest.mark.parametrize("goals", [["maximize"], ["maximize", "minimize"]])
def test_a_fork_that_did_not_complete_has_no_row_that_wins(state: State, goals: list[Goal]) -> None:
    """Whatever some of its branches have come to: of the first both seeds are complete and better than all others."""
    names = ("val_accuracy", "val_loss")[: len(goals)]

    def forked(number: int, of_trial: State, accuracy: float, last: State) -> Trial:
        metrics = {"val_accuracy": accuracy, "val_loss": 1 - accuracy}
        runs = [Run(Key(number, seed, branch.name), "COMPLETE", metrics) for seed in (0, 1) for branch in FORK]
        runs[-1] = Run(runs[-1].key, last, metrics if last == "COMPLETE" else {})
        return Trial(number, of_trial, {}, {}, runs=tuple(runs), branches=FORK)

    rows = [
        row
        for trial in (
            forked(0, state, 0.9, state),
            forked(1, "COMPLETE", 0.5, "COMPLETE"),
            forked(2, state, 0.9, state),
        )
        for row in branch_rows(trial, names)
    ]
    won = best_rows(rows, goals)
    assert {each.number for each in won.front} == {each.number for each in won.best} == {1}
    assert best_rows(rows[:3] + rows[6:], goals).front == []
    assert [row.values for row in rows[:3]] == [()] * 3


def test_chosen_rows() -> None:
    """By hand: 1 is the best in both, 3 equals it, 4 breaks a constraint; with one objective the front is one row."""
    rows = [row(0, 0.1), row(1, 0.9), row(2, 0.5, state="FAIL"), row(3, 0.9), row(4, 1.0, feasible=False)]
    assert [each.number for each in chosen_rows("front", rows, ["maximize"])] == [1]
    assert [each.number for each in chosen_rows("all", rows, ["maximize"])] == [0, 1, 3, 4]
    assert chosen_rows("none", rows, ["maximize"]) == []
    both = [row(0, 0.1, 0.9), row(1, 0.9, 0.1), row(2, 0.5, 0.5), row(3, 0.4, 0.4)]
    assert [each.number for each in chosen_rows("front", both, ["maximize", "maximize"])] == [1, 2, 0]
    assert [each.number for each in chosen_rows("best", both, ["maximize", "maximize"])] == [1, 0]
    assert [each.number for each in chosen_rows("best", [*both, row(5, 1.0, 1.0)], ["maximize", "maximize"])] == [5]

"""The front that is kept up trial by trial, against comparing all with all."""

from __future__ import annotations

import random

import pytest

from sparsetune.config.metrics import Goal
from sparsetune.config.study.front import Front


def by_comparing_all(values: list[tuple[float, ...]], goals: list[Goal]) -> set[int]:
    signed = [tuple(-v if goal == "maximize" else v for v, goal in zip(each, goals, strict=True)) for each in values]

    def beats(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
        return one != other and all(a <= b for a, b in zip(one, other, strict=True))

    return {i for i, each in enumerate(signed) if not any(beats(other, each) for other in signed)}


@pytest.mark.parametrize("goals", [["minimize"], ["maximize", "minimize"], ["maximize", "maximize", "minimize"]])
@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_same_as_comparing_all_with_all(goals: list[Goal], seed: int) -> None:
    draw = random.Random(seed)
    values = [tuple(draw.randint(0, 9) / 10 for _ in goals) for _ in range(60)]  # with many equal ones
    front: Front[int] = Front(goals)
    for number, each in enumerate(values):
        front.add(number, each)
        expected = by_comparing_all(values[: number + 1], goals)
        assert len(front) == len(expected)
        if len(goals) > 1:
            assert set(front.some(len(values))) == expected
    for index, (goal, best) in enumerate(zip(goals, front.best, strict=True)):
        column = [each[index] for each in values]
        assert best is not None
        assert best[0] == (max(column) if goal == "maximize" else min(column))
        assert best[1] in by_comparing_all(values, goals)


def test_it_says_of_which_objectives_an_item_is_the_new_best() -> None:
    front: Front[str] = Front(["maximize", "minimize"])
    assert front.best == [None, None]
    assert front.add("a", (0.5, 0.5)) == [0, 1]
    assert front.add("b", (0.5, 0.7)) == []
    assert front.add("c", (0.6, 0.7)) == [0]
    assert front.add("d", (0.1, 0.1)) == [1]
    assert front.best == [(0.6, "c"), (0.1, "d")]


def test_a_best_that_is_beaten_elsewhere_gives_way_without_being_news() -> None:
    front: Front[str] = Front(["maximize", "maximize"])
    front.add("a", (0.9, 0.1))
    assert front.add("b", (0.9, 0.05)) == []
    assert front.add("c", (0.9, 0.1)) == []
    assert front.best[0] == (0.9, "a"), "of equals the first"
    assert front.add("d", (0.9, 0.2)) == [1]
    assert front.best == [(0.9, "d"), (0.2, "d")]


def test_some_are_spread_from_one_end_to_the_other() -> None:
    front: Front[int] = Front(["maximize", "maximize"])
    for number in range(11):
        front.add(number, (number, -number))
    assert front.some(3) == [10, 5, 0]
    assert front.some(1) == [10]
    assert front.some(99) == list(range(10, -1, -1))

"""Calls that take turns: on a clock of their own, and on the real one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparsetune.measures.latency import median_seconds


class Clock:
    """Its time passes in calls only."""

    def __init__(self) -> None:
        self.now = 0.0
        self.called: list[str] = []
        self.counts: Counter[str] = Counter()

    def __call__(self) -> float:
        return self.now

    def call(self, name: str, seconds: Callable[[int], float]) -> Callable[[], None]:
        """``seconds``: of the n-th call of that name, from 0."""

        def run() -> None:
            self.now += seconds(self.counts[name])
            self.called.append(name)
            self.counts[name] += 1

        return run


def test_the_median_of_turns_by_hand() -> None:
    """Calls of 3 ms fit once into a turn. After two to warm up: turns of 3, 9, 3, 4 and 100 ms; the median is 4."""
    clock = Clock()
    slow = [50.0, 3.0, 3.0, 9.0, 3.0, 4.0, 100.0]
    (found,) = median_seconds([clock.call("a", lambda n: slow[n] / 1e3)], rounds=5, clock=clock)
    assert found == pytest.approx(0.004)
    assert len(clock.called) == 7


def test_they_take_turns_to_and_fro() -> None:
    clock = Clock()
    calls = [clock.call(name, lambda n: 0.005) for name in "ab"]
    median_seconds(calls, rounds=3, clock=clock)
    assert "".join(clock.called) == "aabb" + "ab" + "ba" + "ab"


def test_short_calls_are_repeated() -> None:
    """Of 1 ms five fit into a turn, and what a turn gives is the mean of its five."""
    clock = Clock()
    (found,) = median_seconds([clock.call("a", lambda n: 0.001)], rounds=3, clock=clock)
    assert (found, len(clock.called)) == (pytest.approx(0.001), 2 + 3 * 5)


@given(st.lists(st.floats(1e-4, 1.0), min_size=1, max_size=4), st.integers(1, 9))
def test_calls_of_one_length_have_it(lengths: list[float], rounds: int) -> None:
    clock = Clock()
    calls = [clock.call(str(number), lambda n, each=each: each) for number, each in enumerate(lengths)]
    assert median_seconds(calls, rounds=rounds, clock=clock) == pytest.approx(lengths, rel=1e-3)


def test_on_the_real_clock_more_work_takes_longer() -> None:
    """Ten times as much takes at least twice as long; a test of order, not of speed."""
    less, more = median_seconds([lambda: sum(range(20_000)), lambda: sum(range(200_000))], rounds=5)
    assert more > 2 * less > 0

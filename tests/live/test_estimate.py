"""The time left: by hand, and on workers that were simulated to the end."""

from __future__ import annotations

import heapq

import pytest
from watching import EPOCHS, Watched, complete

from sparsetune.live.estimate import Part, seconds_left


def test_nothing_is_known_before_anything_was_done() -> None:
    assert seconds_left(elapsed=9.0, ended=0, busy=0, running=[Part(9.0)], waiting=3) is None
    assert seconds_left(elapsed=0.0, ended=0, busy=0, running=[], waiting=3) is None


def test_what_is_left_goes_on_as_fast() -> None:
    """Four trials in 20 s by two workers: 5 s a trial on the clock, 10 s of work; ten more take 50 s."""
    assert seconds_left(elapsed=20, ended=4, busy=40, running=[], waiting=10) == 50


def test_a_running_trial_counts_by_its_fraction() -> None:
    """Half of the first trial in 30 s: the other half, and two more."""
    part = Part(age=30, done=0.5, reported=30)
    assert seconds_left(elapsed=30, ended=0, busy=0, running=[part], waiting=2) == 150


def test_between_reports_a_trial_is_taken_to_go_on() -> None:
    early, late = Part(age=30, done=0.5, reported=30), Part(age=45, done=0.5, reported=30)
    assert seconds_left(elapsed=30, ended=0, busy=0, running=[early], waiting=0) == pytest.approx(30)
    assert seconds_left(elapsed=45, ended=0, busy=0, running=[late], waiting=0) == pytest.approx(15)


def test_the_last_trial_takes_its_own_time_however_many_workers_there_were() -> None:
    """64 workers did 64 trials of 10 s in 10 s; one more starts, and takes 10 s, not 10 / 64."""
    assert seconds_left(elapsed=10, ended=64, busy=640, running=[Part(0.0)], waiting=0) == pytest.approx(10)


def test_what_an_earlier_run_did_of_a_trial_is_not_this_runs_speed() -> None:
    """Taken up at 0.8, at 0.9 after 10 s: 10 s to go; a whole trial takes 100 s."""
    part = Part(age=10, done=0.9, before=0.8, reported=10)
    assert seconds_left(elapsed=10, ended=0, busy=0, running=[part], waiting=0) == pytest.approx(10)
    assert seconds_left(elapsed=10, ended=0, busy=0, running=[part], waiting=1) == pytest.approx(110)


def test_what_was_begun_before_the_time_that_is_looked_at_is_no_work_of_it() -> None:
    """In 10 s a trial ended that was half done before: a trial takes 20 s, two take 40 s."""
    assert seconds_left(elapsed=10, ended=1, busy=20, running=[], waiting=2, begun=0.5) == 40


@pytest.mark.parametrize("workers", [1, 2, 7])
@pytest.mark.parametrize("start", [0.0, 60.0], ids=["at once", "workers take a minute to start"])
def test_on_simulated_workers_it_is_right_within_a_tenth(workers: int, start: float) -> None:
    """Trials of 8, 10 or 12 s. Once each worker has done two, the estimate is near what came out."""
    watched, total = Watched(total=70), 70
    ends: list[tuple[float, int]] = []
    for number in range(workers):
        watched.start(number)
        heapq.heappush(ends, (start + 8 + 2 * (number % 3), number))
    said: list[tuple[float, float]] = []
    begun = workers
    while ends:
        watched.clock.now, number = heapq.heappop(ends)
        watched.end(complete(number, 0.5, 0.5))
        if begun < total:
            watched.start(begun)
            heapq.heappush(ends, (watched.clock.now + 8 + 2 * (begun % 3), begun))
            begun += 1
        left = watched.standing.seconds_left()
        if number >= 3 * workers:
            assert left is not None
            said.append((watched.clock.now, left))
    for moment, left in said:
        assert left == pytest.approx(watched.clock.now - moment, rel=0.1, abs=12)


def test_trials_of_earlier_runs_are_done_but_tell_nothing_of_this_runs_speed() -> None:
    watched = Watched(total=100, earlier=[complete(number, 0.5, 0.5) for number in range(90)])
    watched.clock.now = 1000.0
    assert watched.standing.seconds_left() is None
    watched.whole(complete(90, 0.5, 0.5), seconds=10)
    assert watched.standing.seconds_left() == pytest.approx(90)


def test_a_trial_that_is_taken_up_again() -> None:
    """Its known epochs come with the first report, and are no work of this run."""
    watched = Watched(total=1)
    watched.start(0, resumed=True)
    watched.clock.now = 5.0
    watched.report(0, EPOCHS // 2)
    assert watched.standing.seconds_left() is None
    assert watched.standing.fraction == 0.5
    watched.clock.now = 7.0
    watched.report(0, EPOCHS // 2 + 1)
    assert watched.standing.seconds_left() == pytest.approx(2 * (EPOCHS // 2 - 1))

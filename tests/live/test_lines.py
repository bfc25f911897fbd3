"""What is said in lines, and how many of them."""

from __future__ import annotations

from dataclasses import replace

from watching import EPOCHS, Clock, Watched, complete, forked, row, trial

from sparsetune.base.messages import Key
from sparsetune.config.study.constraints import Constraint
from sparsetune.live.lines import Throttle, best_line, ended_line, failed_line, running_line, summary_line
from sparsetune.live.standing import Better


def test_a_line_says_how_a_trial_ended() -> None:
    watched = Watched()
    done = complete(3, 0.94434, 0.5)
    watched.whole(done)
    line = ended_line(watched.standing, done, {Key(3): [row(EPOCHS, time_min=0.01)]})
    assert line == "[1/10] trial 3 COMPLETE val_accuracy 0.9443  compute_saved 0.5 (0.6 s)"


def test_a_reason_is_one_line() -> None:
    assert failed_line(trial(3, "FAIL", reason="no\n  memory"), {}) == "trial 3 failed: no memory"


def test_a_new_best_says_of_what() -> None:
    watched = Watched()
    done = complete(3, 0.9, 0.5)
    watched.whole(done)
    line = best_line(watched.standing, Better(done, [1]))
    assert line == "trial 3: compute_saved 0.5, the best so far (val_accuracy 0.9)"
    line = best_line(watched.standing, Better(done, [0, 1]))
    assert line == "trial 3: val_accuracy 0.9 and compute_saved 0.5, the best so far"


def test_a_forked_trial_is_one_line_with_both_ends_and_all_its_time() -> None:
    watched = Watched(constraints=[Constraint(metric="val_accuracy", at_least=0.85)])
    done = forked(3, 0.8)
    watched.whole(done)
    spent = {run.key: [row(EPOCHS, time_min=0.01 * (run.key.seed + 1))] for run in done.runs}
    assert ended_line(watched.standing, done, spent) == (
        "[1/10] trial 3 COMPLETE val_accuracy 0.81 to 0.91  compute_saved 0.2 to 0.4  "
        "1 of 3 rows breaks a constraint (1.8 s)"
    ), "branches of a seed share its time: 0.6 s and 1.2 s"


def test_a_trial_that_breaks_a_constraint_is_said_and_is_not_the_best() -> None:
    watched = Watched(total=4, constraints=[Constraint(metric="val_accuracy", at_least=0.85)])
    watched.whole(complete(0, 0.9, 0.1))
    broken = replace(complete(1, 0.5, 0.9), feasible=False)
    assert watched.whole(broken) == []
    line = ended_line(watched.standing, broken, {})
    assert line.endswith("val_accuracy 0.5  compute_saved 0.9  breaks a constraint")
    assert summary_line(watched.standing) == (
        "[2/4] 2 complete (1 breaks a constraint); best val_accuracy 0.9 (trial 0), compute_saved 0.1 (trial 0); "
        "time left about 5 s"
    )


def test_a_row_of_a_fork_is_the_best_by_its_own_name() -> None:
    watched = Watched()
    (low, high) = watched.whole(forked(3, 0.8))
    assert best_line(watched.standing, high) == (
        "trial 3 mc_samples=50: val_accuracy 0.91, the best so far (compute_saved 0.2)"
    )
    assert (low.row.label, low.objectives) == ("3 mc_samples=1", [1])


def test_the_summary_has_counts_best_failure_and_time_left() -> None:
    watched = Watched(total=4)
    watched.whole(complete(0, 0.9, 0.1))
    watched.whole(complete(1, 0.5, 0.4))
    watched.whole(trial(2, "FAIL", reason="no memory"), seconds=10.0)
    assert summary_line(watched.standing) == (
        "[3/4] 2 complete, 1 failed; best val_accuracy 0.9 (trial 0), compute_saved 0.4 (trial 1); "
        "last failure: trial 2: no memory; time left about 5 s"
    )


def test_once_all_trials_have_ended_no_line_speaks_of_time_left() -> None:
    watched = Watched(total=1)
    watched.whole(trial(0, "FAIL", reason="no memory"))
    assert summary_line(watched.standing) == "[1/1] 0 complete, 1 failed; last failure: trial 0: no memory"
    assert "left" not in running_line(watched.standing)


def test_what_runs_is_one_line_however_many_there_are() -> None:
    watched = Watched(total=64)
    for number in range(64):
        watched.start(number)
    watched.report(0, 3, val_accuracy=0.91234)
    line = running_line(watched.standing)
    assert line.startswith(f"[0/64] running: trial 0 epoch 3/{EPOCHS} val_accuracy 0.9123, trial 1 epoch 0/{EPOCHS}, ")
    assert line.endswith(" and 59 more; time left -")


class Counted:
    """A throttle of 3 lines in 10 s, and how many of them it admits."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.throttle = Throttle(self.clock, most=3, window=10.0)
        self.summaries = 0

    def offer(self, count: int, seconds: float) -> int:
        admitted = 0
        for _ in range(count):
            self.clock.now += seconds / count
            self.summaries += self.throttle.summary_due()
            admitted += self.throttle.admits()
        return admitted


def test_few_lines_all_pass() -> None:
    counted = Counted()
    assert counted.offer(20, 100.0) == 20
    assert (counted.summaries, counted.throttle.held) == (0, 0)


def test_many_lines_become_a_summary_a_window() -> None:
    counted = Counted()
    assert counted.offer(1000, 100.0) == 3
    assert counted.summaries in (9, 10)
    assert counted.throttle.held > 0


def test_lines_come_again_when_there_are_few_again() -> None:
    counted = Counted()
    assert counted.offer(100, 10.0) == 3
    counted.offer(3, 12.0)
    assert counted.offer(10, 50.0) == 10
    assert counted.throttle.held == 0


def test_a_pause_ends_the_silence_at_once() -> None:
    counted = Counted()
    counted.offer(100, 9.0)
    assert counted.offer(1, 60.0) == 1
    assert counted.summaries == 1

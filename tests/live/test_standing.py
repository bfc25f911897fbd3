"""What is counted as trials start, report and end."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from helpers.trials import FORK
from watching import EPOCHS, ONE, Watched, begun, complete, forked, row, trial

from sparsetune.base.messages import GIVEN, SAME_AS, Key, State, Trial
from sparsetune.config.study.constraints import Constraint
from sparsetune.live.lines import epoch_text


def test_trials_of_earlier_runs_count_and_are_among_the_best() -> None:
    earlier = [complete(0, 0.9, 0.1), trial(1, "FAIL", reason="why"), trial(2, "PRUNED"), trial(3, "RUNNING")]
    standing = Watched(earlier=earlier).standing
    assert standing.counts == {"COMPLETE": 1, "PRUNED": 1, "FAIL": 1}
    assert standing.done == 3
    assert standing.failure is not None
    assert standing.failure.number == 1
    assert standing.front.best == [(0.9, earlier[0]), (0.1, earlier[0])]


def test_the_fraction_counts_epochs_and_never_passes_one() -> None:
    watched = Watched(total=2)
    watched.start(0)
    watched.report(0, 5)
    assert watched.standing.fraction == 0.25
    for number in range(3):
        watched.whole(complete(number, 0.5, 0.5))
    assert watched.standing.fraction == 1


def test_a_trial_without_an_objective_is_counted_and_never_the_best() -> None:
    watched = Watched(objectives=ONE)
    assert watched.whole(trial(0, "COMPLETE", {"val_accuracy": 1.0})) == []
    assert watched.standing.done == 1
    assert len(watched.standing.front) == 0


def test_a_report_of_a_trial_that_does_not_run_is_nothing() -> None:
    watched = Watched()
    watched.report(7, 1)
    assert watched.standing.running == {}


def test_a_config_without_epochs_has_no_fraction() -> None:
    watched = Watched()
    unknown = trial(0)
    unknown.config.clear()
    watched.standing.started(unknown, resumed=False)
    watched.report(0, 3)
    assert watched.standing.fraction == 0
    assert watched.standing.running[0].epochs is None


def test_progress_is_that_of_all_epochs_and_branches_of_a_seed_count_once() -> None:
    watched = Watched(total=1)
    running = begun(forked(0, 0.8))
    watched.standing.started(running, resumed=False)
    each = watched.standing.running[0]

    def report(seed: int, branch: int, epoch: int) -> None:
        key = Key(0, seed, FORK[branch].name)
        watched.standing.reported(running, key, [row(epoch, val_accuracy=0.1 * epoch)])

    assert each.epochs == 2 * EPOCHS
    report(0, 0, 4)
    report(0, 1, 4)
    report(0, 2, 4)
    assert (each.epoch, watched.standing.fraction) == (4, 0.2)
    report(0, 0, EPOCHS)
    report(0, 1, 6)
    report(1, 0, 5)
    assert (each.epoch, watched.standing.fraction) == (15, 0.75)
    assert epoch_text(each) == "15/20"
    assert each.row is not None
    assert each.row.metrics == {"val_accuracy": 0.5}, "the latest that was heard"


def test_what_an_earlier_run_did_of_replicates_is_no_work_of_this_one() -> None:
    """Seed 0 was done, seed 1 half; then 2 s for two epochs of the other half."""
    watched = Watched(total=1)
    running = begun(forked(0, 0.8))
    watched.standing.started(running, resumed=True)
    watched.clock.now = 3.0
    for branch in FORK:
        watched.standing.reported(running, Key(0, 0, branch.name), [row(EPOCHS)])
    watched.standing.reported(running, Key(0, 1, FORK[0].name), [row(5)])
    each = watched.standing.running[0]
    assert (each.before, each.since) == (0.75, 3.0)
    assert watched.standing.seconds_left() is None
    watched.clock.now = 5.0
    watched.standing.reported(running, Key(0, 1, FORK[0].name), [row(7)])
    assert (each.before, each.done) == (0.75, pytest.approx(0.85))
    assert watched.standing.seconds_left() == pytest.approx(3.0)


def test_a_seed_that_this_run_began_is_its_work() -> None:
    watched = Watched(total=1)
    running = begun(forked(0, 0.8))
    watched.standing.started(running, resumed=True)
    for seed, epoch in ((0, 8), (0, 10), (1, 4)):
        watched.clock.now += 1.0
        watched.standing.reported(running, Key(0, seed, FORK[0].name), [row(epoch)])
    assert watched.standing.running[0].before == 0.4


def test_rows_compete_and_trials_count() -> None:
    watched = Watched(constraints=[Constraint(metric="val_accuracy", at_least=0.85)])
    better = watched.whole(forked(0, 0.8))
    assert [(each.row.label, each.objectives) for each in better] == [("0 mc_samples=5", [1]), ("0 mc_samples=50", [0])]
    assert watched.standing.counts["COMPLETE"] == 1
    assert len(watched.standing.front) == 2, "the third breaks the constraint"
    assert watched.standing.broken == 0, "a trial with a row that may win"
    assert watched.whole(forked(1, 0.5)) == []
    assert watched.standing.broken == 1


def test_what_is_not_a_number_never_leads() -> None:
    watched = Watched(objectives=ONE)
    assert watched.whole(trial(0, "COMPLETE", {"val_loss": math.nan})) == []
    assert len(watched.standing.front) == 0


def test_rows_of_earlier_runs_are_among_the_best() -> None:
    watched = Watched(earlier=[forked(0, 0.8)])
    assert [best and best[1].label for best in watched.standing.front.best] == ["0 mc_samples=50", "0 mc_samples=1"]
    assert watched.standing.done == 1


@pytest.mark.parametrize("state", ["PRUNED", "FAIL"])
def test_no_row_of_a_fork_that_did_not_complete_leads(state: State) -> None:
    """Its first two branches have both seeds."""
    good = forked(0, 0.8)
    last = replace(good.runs[-1], state=state)
    watched = Watched(earlier=[forked(1, 0.5)])
    assert watched.whole(replace(good, state=state, runs=(*good.runs[:-1], last))) == []
    assert {best[1].number for best in watched.standing.front.best if best} == {1}
    assert watched.standing.counts == {"COMPLETE": 1, "PRUNED": 0, "FAIL": 0, state: 1}
    assert watched.standing.broken == 0


def known(number: int, **notes: str) -> Trial:
    return replace(complete(number, 0.5, 0.5), notes={SAME_AS: "trial 3 of old", **notes})


def test_what_was_given_at_the_start_comes_on_top_of_the_budget() -> None:
    """Four trials of the budget, of which one had a result already, and three that were taken over before them."""
    given = [known(number, **{GIVEN: "at the start"}) for number in range(3)]
    watched = Watched(total=4, earlier=given[:1])
    assert (watched.standing.total, watched.standing.done) == (5, 1)
    for each in given[1:]:
        watched.whole(each, seconds=0.0)
    assert (watched.standing.total, watched.standing.done) == (7, 3)
    watched.whole(known(3), seconds=0.0)
    assert (watched.standing.total, watched.standing.done) == (7, 4), "one of the budget's"
    for number in range(4, 7):
        assert watched.standing.fraction == number / 7
        watched.whole(complete(number, 0.5, 0.5))
    assert (watched.standing.total, watched.standing.done, watched.standing.fraction) == (7, 7, 1)
    again = Watched(total=4, earlier=[*given, known(3), *(complete(number, 0.5, 0.5) for number in range(4, 6))])
    assert (again.standing.total, again.standing.done) == (7, 6)


def test_of_a_grid_no_more_come_than_there_are_points() -> None:
    """Five, of which two are given and turn out to be known, and a budget for four."""
    watched = Watched(total=4, points=5)
    assert watched.standing.total == 4
    totals = []
    for number in range(2):
        watched.whole(known(number, **{GIVEN: "at the start"}), seconds=0.0)
        totals.append(watched.standing.total)
    assert totals == [5, 5]
    for number in range(2, 5):
        watched.whole(complete(number, 0.5, 0.5))
    assert (watched.standing.done, watched.standing.fraction) == (5, 1)

"""What is counted as trials start, report and end."""

from __future__ import annotations

from watching import ONE, Watched, complete, trial


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

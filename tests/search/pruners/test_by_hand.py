"""When each pruner looks at a trial, with numbers worked out by hand. Losses: lower is better."""

from __future__ import annotations

import math

import pytest

from search.cells import ONE, TWO, problem, pruner_config
from search.pruners.judged import Judged
from sparsetune.search.pruners import PRUNERS

ALONE = problem(objectives=ONE, epochs=9)
PAIR = problem(objectives=TWO, epochs=9)


@pytest.mark.parametrize(("warmup", "stops_at"), [(0, 1), (1, 2), (3, 4), (4, None)])
def test_median_after_warm_up(warmup: int, stops_at: int | None) -> None:
    """Losses of 1 and 2 have the median 1.5 at each of four epochs; one of 9 is worse from the start."""
    judged = Judged(ALONE, "median", n_startup_trials=2, n_warmup_epochs=warmup)
    for loss in (1.0, 2.0):
        assert judged.finish([loss] * 4)[1] is None
    assert judged.finish([9.0] * 4)[1] == stops_at


def test_percentile_of_five() -> None:
    """Of losses 1, 2, 3, 4, 5 the 25th percentile is 2: 2.5 is not good enough, 1.5 is."""
    judged = Judged(ALONE, "percentile", percentile=25.0, n_startup_trials=5)
    for loss in (1.0, 2.0, 3.0, 4.0, 5.0):
        assert judged.finish([loss] * 3)[1] is None
    assert judged.finish([1.5] * 3)[1] is None
    assert judged.finish([2.5] * 3)[1] == 1


@pytest.mark.parametrize(("warmup", "interval", "stops_at"), [(0, 1, 1), (2, 1, 3), (0, 4, 5), (1, 3, 8)])
def test_threshold_looks_after_warm_up_and_then_at_intervals(warmup: int, interval: int, stops_at: int) -> None:
    """The first look is at epoch warm-up + 1; a loss is out of bounds from there, or from one epoch later, on."""
    judged = Judged(ALONE, "threshold", upper=1.0, n_warmup_epochs=warmup, interval_epochs=interval)
    bad_from = stops_at - interval + 1 if interval > 1 else 1
    losses = [2.0 if epoch >= bad_from else 0.5 for epoch in range(1, 10)]
    assert judged.finish(losses)[1] == stops_at


def test_asha_compares_at_its_rungs() -> None:
    """Rungs after 2, 6 and 18 epochs. The first trial passes alone; half as good is stopped there, better goes on."""
    judged = Judged(ALONE, "asha", min_epochs=2, reduction_factor=3)
    assert judged.finish([4.0] * 9) == (0, None)
    assert judged.finish([8.0] * 9) == (1, 2)
    assert judged.finish([2.0] * 5 + [5.0] * 4) == (2, 6)
    notes = [trial.system_attrs for trial in judged.copy.trials]
    assert notes == [
        {"completed_rung_0": 4.0, "completed_rung_1": 4.0},
        {"completed_rung_0": 8.0},
        {"completed_rung_0": 2.0, "completed_rung_1": 5.0},
    ]


def test_hyperband_has_brackets_for_the_epochs_of_the_study() -> None:
    """9 epochs and a factor of 3: brackets that begin after 1, 3 and 9 epochs."""
    judged = Judged(ALONE, "hyperband")
    assert [pruner._min_early_stopping_rate for pruner in judged.copy.pruner._pruners] == [0, 1, 2]  # type: ignore[attr-defined]
    judged.finish([1.0])
    assert len(judged.copy.pruner._pruners) == 3  # type: ignore[attr-defined]


@pytest.mark.parametrize(("patience", "stops_at"), [(0, 4), (1, 5), (3, 7), (6, None)])
def test_patience_counts_worse_epochs(patience: int, stops_at: int | None) -> None:
    """The third epoch is the best; each one after it is worse."""
    assert Judged(ALONE, "patient", patience=patience).finish([3.0, 2.0, 1.0] + [1.5] * 6)[1] == stops_at


def test_patience_lets_small_steps_pass() -> None:
    assert Judged(ALONE, "patient", patience=0, min_delta=0.6).finish([1.0, 1.5, 1.7])[1] == 3


def test_patience_keeps_from_the_pruner_within() -> None:
    """It is far above the median throughout, but gets better until the fourth epoch."""
    judged = Judged(ALONE, "patient", patience=0, pruner={"name": "median", "n_startup_trials": 1})
    assert judged.finish([1.0] * 6)[1] is None
    assert judged.finish([9.0, 8.0, 7.0, 6.0, 6.5, 6.5])[1] == 5


def test_wilcoxon_by_hand() -> None:
    """All of n pairs worse has the probability 2^-n: below 0.1 from the fourth on."""
    judged = Judged(problem(replicates=6), "wilcoxon")
    losses = [0.6, 0.5, 0.4, 0.3, 0.2, 0.1]  # the easy seeds last: so far, the mean of a worse trial is worse too
    judged.ask()
    assert not any(judged.stopper.replicate(0, index, {"val_loss": loss}) for index, loss in enumerate(losses))
    judged.end(0, "COMPLETE", 0.35)
    judged.ask()
    worse = [loss + 0.01 * (index + 1) for index, loss in enumerate(losses)]
    answers = [judged.stopper.replicate(1, index, {"val_loss": loss}) for index, loss in enumerate(worse)]
    assert answers == [False, False, False, True, True, True]


def test_none_stops_and_keeps_nothing() -> None:
    judged = Judged(PAIR, "none")
    assert judged.finish([9.0] * 9)[1] is None
    assert judged.stopper.record(0) is None
    assert judged.copy.trials[0].intermediate_values == {}


@pytest.mark.parametrize("of", [ALONE, PAIR], ids=["objective", "gate"])
def test_a_curve_without_numbers_is_stopped_in_silence(of: object) -> None:
    judged = Judged(of, "median", metric="val_loss", n_startup_trials=1)  # type: ignore[arg-type]
    judged.finish([1.0] * 3)
    assert judged.finish([math.nan] * 3)[1] == 1


@pytest.mark.parametrize("of", [ALONE, PAIR], ids=["objective", "gate"])
def test_what_has_not_settled_is_neither_kept_nor_judged(of: object) -> None:
    """After a prune step at epoch 2 losses are high for two epochs: neither this trial nor a later one hears of it."""
    judged = Judged(of, "median", metric="val_loss", n_startup_trials=1)  # type: ignore[arg-type]
    judged.finish([2.0, 2.0, 2.0])
    number = judged.ask().number
    told = [
        judged.report(number, 1, val_loss=1.0),
        judged.report(number, 2, val_loss=50.0, settled=False),
        judged.report(number, 3, val_loss=math.nan, settled=False),
        judged.report(number, 4, val_accuracy=0.5),
        judged.report(number, 5, val_loss=1.0),
    ]
    assert told == [False] * 5
    study = judged.copy if of is ALONE else judged.stopper._gate._sheet._study  # type: ignore[attr-defined]
    assert study.trials[number].intermediate_values == {1: 1.0, 5: 1.0}


def test_the_objective_named_as_the_gate_is_the_objective() -> None:
    judged = Judged(ALONE, "median", metric="val_loss")
    number, _ = judged.finish([1.0, 2.0])
    assert judged.copy.trials[number].intermediate_values == {1: 1.0, 2: 2.0}
    assert judged.stopper.record(number) is None


def test_a_gate_keeps_its_record_to_itself() -> None:
    judged = Judged(PAIR, "asha", metric="val_loss", min_epochs=1, reduction_factor=2, keep_front=False)
    late = [judged.ask().number for _ in range(3)][2]
    assert not judged.report(late, 1, val_loss=1.0)  # before the first two have said anything
    judged.end(late, "FAIL")
    assert judged.stopper.record(late) == {
        "metric": "val_loss", "steps": "epochs", "values": [[1, 1.0]], "notes": {"completed_rung_0": 1.0},
    }  # fmt: skip
    assert judged.copy.trials[late].intermediate_values == {}
    judged.restart()  # with the first two running
    assert judged.report(0, 1, val_loss=2.0)
    assert not judged.report(1, 1, val_loss=0.5)


@pytest.mark.parametrize(
    "record", [None, [1, 2], {"metric": "val_accuracy", "steps": "epochs", "values": [[1, 9.0]], "notes": {}}]
)
def test_records_of_another_gate_are_not_taken_up(record: object) -> None:
    """The study's pruner may change between two runs of it."""
    config = pruner_config("median", metric="val_loss", n_startup_trials=1)
    judged = Judged(PAIR, "median", metric="val_loss", n_startup_trials=1)
    stopper = PRUNERS.get("median").stopper(config, PAIR, judged.copy)
    stopper.restore(0, "COMPLETE", record)
    stopper.restore(1, "PRUNED", record)
    stopper.restore(2, "FAIL", record)
    judged.stopper = stopper
    assert not judged.report(3, 1, val_loss=99.0)

"""What a run still lacks, worked out by hand."""

from __future__ import annotations

import math

from sparsetune.base.messages import Row, Trial
from sparsetune.tracking.limits import Measurement
from sparsetune.tracking.pending import Pending
from sparsetune.tracking.run_keys import RunKey


def trial(**metrics: float) -> Trial:
    return Trial(3, "COMPLETE", {"method.kp": 0.1}, {"method": {"name": "ast", "kp": 0.1}}, metrics, ended_ms=900)


ROWS = (Row(1, 100, {"loss": 2.0, "acc": 0.5}), Row(2, 200, {"loss": 1.0, "acc": 0.4}))


def test_steps_that_the_run_has_are_not_sent_again_whatever_their_time() -> None:
    pending = Pending(RunKey(3), trial(), rows=list(ROWS), steps={"loss": 1})
    assert pending.lacking_measurements() == [
        Measurement("acc", 0.5, 100, 1),
        Measurement("loss", 1.0, 200, 2),
        Measurement("acc", 0.4, 200, 2),
    ]


def test_results_that_no_row_has_stand_at_the_last_epoch_and_other_values_after_it() -> None:
    pending = Pending(RunKey(3), trial(loss=1.0, acc=0.5, test_acc=0.6), steps={"loss": 2, "acc": 2})
    pending.end(pending.trial, ROWS, {})
    assert pending.lacking_measurements() == [Measurement("test_acc", 0.6, 900, 2), Measurement("acc", 0.5, 900, 3)]
    pending.sent(pending.lacking_measurements(), {})
    assert pending.lacking_measurements() == []


def test_nan_is_no_other_value() -> None:
    pending = Pending(RunKey(3), trial(loss=math.nan), steps={"loss": 1})
    pending.end(pending.trial, (Row(1, 100, {"loss": math.nan}),), {})
    assert pending.lacking_measurements() == []


def test_a_trial_without_rows() -> None:
    pending = Pending(RunKey(3), trial(acc=0.5), steps={})
    pending.end(pending.trial, (), {})
    assert pending.lacking_measurements() == [Measurement("acc", 0.5, 900, 0)]


def test_params_are_the_config_and_what_was_drawn() -> None:
    pending = Pending(
        RunKey(0), Trial(0, "RUNNING", {"drr.alpha": 2}, {"method": {"name": "drr"}, "seed": 0}), params={"seed"}
    )
    assert pending.lacking_params() == {"trial": 0, "drr.alpha": 2, "method.name": "drr"}


def test_errors_stand_beside_their_means() -> None:
    means = Trial(3, "COMPLETE", {}, {}, {"acc": 0.5}, ended_ms=900, errors={"acc": 0.01})
    pending = Pending(RunKey(3), means, steps={})
    pending.end(means, (), {})
    assert pending.lacking_measurements() == [Measurement("acc", 0.5, 900, 0), Measurement("acc_se", 0.01, 900, 0)]


def test_of_some_numbers_the_last_value_is_written_alone_once_the_trial_has_ended() -> None:
    pending = Pending(RunKey(3), trial(), last_only={"acc"}, rows=list(ROWS), steps={})
    assert pending.lacking_measurements() == [Measurement("loss", 2.0, 100, 1), Measurement("loss", 1.0, 200, 2)]
    pending.sent(pending.lacking_measurements(), {})
    pending.end(trial(loss=1.0, acc=0.4), ROWS, {})
    assert pending.lacking_measurements() == [Measurement("acc", 0.4, 200, 2)]

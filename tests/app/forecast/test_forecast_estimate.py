"""The arithmetic of forecasts, with numbers worked out by hand and with any numbers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparsetune.app.forecast.estimate import (
    STORED_METRIC_BYTES,
    Probed,
    Spread,
    TrialCost,
    saves,
    trial_cost,
    wall_seconds,
)

CUT = Probed(
    epochs=2.5,
    rows=3,
    planned=10,
    epoch_seconds=0.4,
    fixed_seconds=0.5,
    save_seconds=0.05,
    metrics=8,
    files={
        "weights.safetensors": 5000,
        "history.jsonl": 300,
        "final_results.json": 600,
        "trace.npz": 250,
        "config.yaml": 70,
    },
    checkpoint_bytes=6000.0,
    checkpoint_growth=100.0,
)
ENDED = replace(CUT, ended=True, epochs=3.0, planned=3)

seconds = st.floats(1e-6, 1e6)


def test_a_trial_that_was_cut_short_is_scaled_to_its_epochs() -> None:
    cost = trial_cost(CUT, "1s")
    # 10 epochs of 0.4 s, checkpoints after 1.2, 2.4 and 3.6 s
    assert cost.seconds == pytest.approx(0.5 + 4.0 + 3 * 0.05)
    # lists of rows 10 / 3 times as long, the trace of steps 10 / 2.5 times, weights and config as they are
    assert cost.left_bytes == pytest.approx(5000 + 1000 + 2000 + 1000 + 70)
    assert cost.stored_bytes == 10 * 8 * STORED_METRIC_BYTES
    assert cost.checkpoint_bytes == 6000 + 7 * 100


def test_a_trial_that_came_to_its_end_is_not_scaled() -> None:
    cost = trial_cost(ENDED, "2ep")
    assert cost.seconds == pytest.approx(0.5 + 3 * 0.4 + 1 * 0.05)
    assert cost.left_bytes == 5000 + 300 + 600 + 250 + 70
    assert cost.stored_bytes == 3 * 8 * STORED_METRIC_BYTES
    assert cost.checkpoint_bytes == 6000


def test_a_trial_with_a_limit_of_its_own_trains_no_longer() -> None:
    cost = trial_cost(replace(CUT, limit_seconds=2.0), "10s")
    assert cost.seconds == pytest.approx(0.5 + 2.0)
    assert cost.checkpoint_bytes == 6000 + (5 - 3) * 100
    assert trial_cost(replace(CUT, limit_seconds=99.0), "10s") == trial_cost(CUT, "10s")


@given(seconds, st.integers(1, 500), st.integers(1, 500))
def test_longer_trials_cost_more(epoch_seconds: float, planned: int, more: int) -> None:
    short = trial_cost(replace(CUT, epoch_seconds=epoch_seconds, planned=2 + planned), "10s")
    long = trial_cost(replace(CUT, epoch_seconds=epoch_seconds, planned=2 + planned + more), "10s")
    assert long.seconds > short.seconds
    assert long.left_bytes >= short.left_bytes
    assert long.checkpoint_bytes >= short.checkpoint_bytes


@given(seconds)
def test_scaling_a_trial_to_the_epochs_that_it_had_changes_nothing(epoch_seconds: float) -> None:
    ended = replace(ENDED, epoch_seconds=epoch_seconds)
    assert trial_cost(replace(ended, ended=False), "10s") == trial_cost(ended, "10s")


def test_replicates_train_one_after_another_and_branches_share_a_training() -> None:
    """Three seeds and five branches: files as were measured, which are those of all branches; numbers of each row."""
    one = TrialCost(seconds=10.0, left_bytes=500.0, stored_bytes=300.0, checkpoint_bytes=70.0)
    assert one.times(3, 5) == TrialCost(seconds=30.0, left_bytes=1500.0, stored_bytes=4500.0, checkpoint_bytes=70.0)
    assert one.times(1, 5) == replace(one, stored_bytes=1500.0)
    assert one.times(1, 1) == one


def test_checkpoints_are_written_as_the_cadence_says() -> None:
    assert saves("5ep", 12, 0.001) == 2
    assert saves("1ep", 12, 100.0) == 12
    assert saves("10s", 12, 0.5) == 0
    assert saves("10s", 12, 4.0) == 4  # after 12, 24, 36 and 48 s
    assert saves("10s", 12, 60.0) == 12


def test_forty_trials_of_a_second_on_three_workers_take_fourteen_rounds() -> None:
    assert wall_seconds(40, 3, 1.0) == 14.0
    assert wall_seconds(40, 2, 0.9) == pytest.approx(18.0)
    assert wall_seconds(2, 64, 30.0) == 30.0
    assert wall_seconds(0, 4, 30.0) == 0.0


@given(st.integers(0, 10_000), st.integers(1, 500), seconds)
def test_no_worker_idles_but_in_the_last_round(trials: int, workers: int, each: float) -> None:
    wall = wall_seconds(trials, workers, each)
    work = trials * each / workers
    assert work * (1 - 1e-12) <= wall < (work + each) * (1 + 1e-12)
    assert wall_seconds(trials + 1, workers, each) >= wall >= wall_seconds(trials, workers + 1, each)


@given(st.lists(seconds, min_size=1))
def test_a_spread_has_its_mean_between_its_ends(values: list[float]) -> None:
    spread = Spread.of(values)
    assert (spread.low, spread.high) == (min(values), max(values))
    assert spread.low <= spread.mean <= spread.high
    assert spread.mean == pytest.approx(sum(values) / len(values))
    assert spread.each(lambda value: 2 * value).high == 2 * spread.high


def test_a_spread_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no values"):
        Spread.of([])

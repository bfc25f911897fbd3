"""Early stopping with several objectives: the ranking by hand and against brute force, and what the rungs remember."""

from __future__ import annotations

import json
import math
from itertools import combinations
from typing import Any

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparsetune.base.errors import BadInput
from sparsetune.base.messages import Row
from sparsetune.config.study.file import Objective
from sparsetune.config.study.problem import Problem
from sparsetune.search.optuna_private import adding_most, fronts
from sparsetune.search.pruners.contract import Stopper
from sparsetune.search.pruners.hypervolume import Hypervolume, goes_on, scaled

TWO = (Objective(metric="val_accuracy", goal="maximize"), Objective(metric="val_loss", goal="minimize"))
THREE = (*TWO, Objective(metric="compute_saved", goal="maximize"))
LOSSES = st.integers(2, 3).flatmap(
    lambda width: st.lists(st.tuples(*[st.integers(0, 5)] * width), min_size=1, max_size=9)
)


def problem(objectives: tuple[Objective, ...] = TWO, **rest: Any) -> Problem:
    return Problem("toy", 0, {}, objectives, **{"epochs": 30, **rest})


def stopper(**options: Any) -> Stopper:
    """Its comparisons are after 1, 2, 4, ... epochs of a phase, and half of the trials go on."""
    config = Hypervolume.Config(**{"keep": 0.5, "min_epochs": 1, "factor": 2.0, **options})
    return Hypervolume.stopper(config, problem(), optuna.create_study(directions=["maximize", "minimize"]))


def row(accuracy: float, loss: float, since: int = 1, **rest: Any) -> Row:
    metrics = {"val_accuracy": accuracy, "val_loss": loss, "density": rest.pop("density", 1.0)}
    return Row(**{"epoch": since, "timestamp_ms": 0, "metrics": metrics, "phase": "train", "since": since, **rest})


def dominates(one: Any, other: Any) -> bool:
    return all(a <= b for a, b in zip(one, other, strict=True)) and one != other


def volume(points: Any) -> int:
    """Cells of a grid from 0 to 11 in each objective that a point of whole numbers dominates."""
    grid = np.stack(np.meshgrid(*[np.arange(11)] * len(points[0]), indexing="ij"), axis=-1)
    return int(np.any([(grid >= np.array(point)).all(axis=-1) for point in points], axis=0).sum())


@given(LOSSES)
def test_fronts_are_those_of_peeling(losses: list[tuple[int, ...]]) -> None:
    peeled, left, depth = {}, set(losses), 0
    while left:
        front = {one for one in left if not any(dominates(other, one) for other in left)}
        peeled.update(dict.fromkeys(front, depth))
        left, depth = left - front, depth + 1
    assert list(fronts(np.array(losses, dtype=float), len(losses))) == [peeled[one] for one in losses]


@settings(max_examples=40)
@given(LOSSES, st.data())
def test_what_adds_most_of_a_front(losses: list[tuple[int, ...]], data: Any) -> None:
    """One after the other they have at least 1 - 1/e of the hypervolume of the best choice; one alone is the best."""
    front = [one for one in losses if not any(dominates(other, one) for other in losses)]
    count = data.draw(st.integers(1, len(front)))
    doubled = np.array(front) * 2  # in cells: a tenth of the range
    taken = adding_most(doubled / 10, count)
    assert taken.sum() == count
    most = max(volume(some) for some in combinations(doubled, count))
    assert volume(doubled[taken]) >= (1 - 1 / math.e if count > 1 else 1) * most


def test_who_adds_most_by_hand() -> None:
    """A front from (0, 1) to (1, 0). Up to 1.1 the middle has 0.7 * 0.7 = 0.49, an end 1.1 * 0.1 = 0.11. To the middle
    an end adds 0.4 * 0.1 = 0.04; the point (0.45, 0.35) adds 0.65 * 0.05 = 0.0325."""
    front = np.array([(0.0, 1.0), (0.4, 0.4), (0.45, 0.35), (1.0, 0.0)])
    assert adding_most(front, 1).tolist() == [False, True, False, False]
    assert adding_most(front, 3).tolist() == [True, True, False, True]
    assert adding_most(np.array([(0.0, 1.0), (0.4, 0.4), (0.6, 0.2), (1.0, 0.0)]), 2).tolist() == [
        False, True, True, False,
    ], "0.5 * 0.2 = 0.1 beside 0.04 of an end"  # fmt: skip
    losses = np.array([*front, (1.0, 1.0)])
    assert [goes_on(losses, index, 0.6) for index in range(5)] == [True, True, False, True, False]
    assert [goes_on(losses, index, 0.8) for index in range(5)] == [True, True, True, True, False]
    assert all(goes_on(losses, index, 1.0) for index in range(5))


@given(LOSSES, st.sampled_from([0.2, 0.5, 0.65]))
def test_the_share_is_whole_fronts_and_a_part_of_the_last(losses: list[tuple[int, ...]], keep: float) -> None:
    front = fronts(np.array(losses), len(losses))
    on = np.array([goes_on(np.array(losses, dtype=float), index, keep) for index in range(len(losses))])
    assert on.sum() >= math.ceil(keep * len(losses))
    assert on[front < front[on].max()].all()
    assert on.sum() - (front == front[on].max()).sum() < math.ceil(keep * len(losses))


def test_ranges_are_scaled_and_what_is_not_finite_is_the_worst() -> None:
    losses = np.array([(1.0, 5.0), (3.0, 5.0), (2.0, math.nan), (math.inf, 5.0)])
    assert scaled(losses).tolist() == [[0, 0], [1, 0], [0.5, 0], [1, 0]]
    assert scaled(np.full((2, 2), math.nan)).tolist() == [[0, 0], [0, 0]]


FRONT = [(0.0, 1.0), (0.1, 0.9), (0.5, 0.5), (1.0, 0.0)]


@pytest.mark.parametrize("index", [0, 3])
def test_the_best_in_one_objective_goes_on(index: int) -> None:
    assert goes_on(np.array(FRONT), index, 0.01)
    assert not goes_on(np.array(FRONT), 1, 0.01)


def test_the_best_in_one_objective_is_stopped_if_another_is_as_good_there_and_better_elsewhere() -> None:
    assert not goes_on(np.array([*FRONT, (0.0, 1.5)]), 4, 0.01)


def test_equal_trials_go_on_together() -> None:
    assert all(goes_on(np.array([(1.0, 2.0)] * 5), index, 0.01) for index in range(5))
    twins = np.array([(0.5, 0.5), (0.5, 0.5), (0.0, 1.0), (1.0, 0.0), (0.6, 0.6)])
    assert [goes_on(twins, index, 0.01) for index in range(5)] == [True, True, True, True, False]


def test_an_objective_that_is_equal_everywhere_saves_nobody() -> None:
    losses = np.array([(0.1, 1.0), (0.2, 1.0), (0.3, 1.0), (0.4, 1.0)])
    assert [goes_on(losses, index, 0.5) for index in range(4)] == [True, True, False, False]
    front = np.array([(*losses, 7.0) for losses in FRONT])
    assert [goes_on(front, index, 0.01) for index in range(4)] == [True, False, True, True]


@settings(max_examples=40)
@given(LOSSES, st.sampled_from([-20, 20]), st.sampled_from([0.3, 0.7]))
def test_units_do_not_matter(losses: list[tuple[int, ...]], exponent: int, keep: float) -> None:
    points = np.array(losses, dtype=float)
    others = points * np.array([2.0**exponent, *[1.0] * (points.shape[1] - 1)])
    for index in range(len(points)):
        assert goes_on(points, index, keep) == goes_on(others, index, keep)


def test_goals_give_the_direction() -> None:
    ours = stopper()
    assert [ours.report(number, row(accuracy, loss)) for number, (accuracy, loss) in enumerate(
        [(0.9, 0.1), (0.8, 0.2), (0.95, 0.05), (0.5, 0.5), (0.2, 0.01)]
    )] == [False, True, False, True, False]  # fmt: skip


def test_trials_are_compared_at_equal_epochs_of_a_phase() -> None:
    ours = stopper()
    for number in range(4):
        assert not ours.report(number, row(0.9, 0.1, since=1))
    bad = (0.1, 0.9)
    assert not ours.report(4, row(*bad, since=2)), "nobody else has come there"
    assert not ours.report(5, row(*bad, since=1, phase="retrain")), "nobody else has come there"
    assert not ours.report(6, row(*bad, since=3)), "no rung"
    assert ours.report(7, row(*bad, since=1))


def test_what_has_not_settled_is_neither_judged_nor_compared() -> None:
    ours = stopper()
    for number in range(4):
        ours.report(number, row(0.9, 0.1, settled=False))
    assert not ours.report(4, row(0.1, 0.9)), "the others were not settled"
    assert not ours.report(5, row(0.05, 0.95, settled=False))
    for number in range(6, 9):
        ours.report(number, row(0.9, 0.1))
    assert ours.report(9, row(0.05, 0.95))


@pytest.mark.parametrize(("within", "stops"), [(None, True), (0.1, False), (1.0, True)])
def test_density_where_asked(within: float | None, stops: bool) -> None:
    ours = stopper(density_within=within)
    for number in range(4):
        assert not ours.report(number, row(0.9, 0.1, density=0.5))
    assert ours.report(4, row(0.1, 0.9, density=0.25)) is stops
    assert ours.report(5, row(0.1, 0.9, density=0.52)), "equal within a tenth, or whatever is asked"


def test_a_metric_that_a_row_lacks_is_not_judged() -> None:
    ours = stopper()
    assert not ours.report(0, Row(1, 0, {"val_accuracy": 0.5}, since=1))


def test_nobody_is_stopped_after_the_last_epoch() -> None:
    config = Hypervolume.Config(keep=0.5, min_epochs=2)
    ours = Hypervolume.stopper(config, problem(epochs=2), optuna.create_study(directions=["maximize"] * 2))
    assert not any(ours.report(number, row(0.9 - number / 10, number / 10, since=2)) for number in range(5))


def test_rows_that_are_repeated_are_judged_once() -> None:
    """A worker that takes a trial up again sends all rows since its start."""
    ours = stopper()
    assert not ours.report(0, row(0.5, 0.5))
    assert not ours.report(0, row(0.5, 0.5, since=2))
    for number in range(1, 5):
        ours.report(number, row(0.9, 0.1))
    assert not ours.report(0, row(0.5, 0.5))
    assert ours.report(5, row(0.4, 0.6))
    assert ours.report(5, row(0.4, 0.6))


def test_a_plan_of_many_phases_stops_no_more_than_a_long_one() -> None:
    """From epoch 8 to 9 goes on 0.5 ** log2(9 / 8) = 0.89, of five trials all; without comparisons before, half."""
    ours = stopper()
    for number in range(4):
        assert not ours.report(number, row(0.9, 0.1, phase="b", epoch=9))
    assert not ours.report(4, row(0.1, 0.9, since=8, phase="a"))
    assert not ours.report(4, row(0.1, 0.9, phase="b", epoch=9))
    assert ours.report(5, row(0.1, 0.9, phase="b", epoch=9))


def test_a_trial_that_fails_stops_nobody() -> None:
    ours, again = stopper(), stopper()
    for number in range(4):
        ours.report(number, row(0.9, 0.1))
        again.restore(number, "FAIL", ours.record(number))
        ours.ended(number, "FAIL")
    assert not ours.report(4, row(0.1, 0.9))
    assert not again.report(4, row(0.1, 0.9))


def test_what_it_knows_is_built_again_from_records() -> None:
    """Stopped after each trial and built again, it decides as one that ran through."""
    random = np.random.default_rng(0)
    through, again = stopper(density_within=0.5), stopper(density_within=0.5)
    answers, states, records = [], [], []
    for number in range(40):
        again = stopper(density_within=0.5)
        for earlier, (state, record) in enumerate(zip(states, records, strict=True)):
            again.restore(earlier, state, json.loads(record))
        stop, level = False, random.random(2)
        for since in range(1, 9):
            at = row(*(level + random.normal(0, 0.1, 2)), since=since, density=0.1 + 0.9 * random.random())
            stop = through.report(number, at)
            assert again.report(number, at) == stop
            if stop:
                break
        answers.append(stop)
        assert through.record(number) == again.record(number)
        records.append(json.dumps(through.record(number)))
        states.append("PRUNED" if stop else "FAIL" if number % 7 == 3 else "COMPLETE")
        through.ended(number, states[-1])
    assert 5 < sum(answers) < 35


@pytest.mark.parametrize("record", [None, [], {"metric": "val_loss", "values": [[1, 0.5]]}])
def test_records_of_other_pruners_are_left_alone(record: Any) -> None:
    ours = stopper()
    ours.restore(0, "COMPLETE", record)
    assert not ours.report(1, row(0.1, 0.9))


def test_records_stay_small() -> None:
    config = Hypervolume.Config()
    ours = Hypervolume.stopper(config, problem(epochs=50_000), optuna.create_study(directions=["maximize"] * 2))
    for since in range(1, 50_001):
        ours.report(0, row(0.123456789012345, 0.123456789012345, since=since))
    assert len(json.dumps(ours.record(0))) < 1000


@pytest.mark.parametrize(
    ("objectives", "rest", "message"),
    [
        (TWO[:1], {}, "two objectives, found 1; judge one metric instead: {name: median, metric: val_accuracy}"),
        (
            (Objective(metric="density", goal="minimize"), TWO[1]),
            {},
            "'density' is known only at the end of one; judge one metric instead: {name: median, metric: val_loss}",
        ),
        (TWO, {"constraints": 1}, "knows no constraints"),
    ],
)
def test_refused(objectives: tuple[Objective, ...], rest: Any, message: str) -> None:
    with pytest.raises(BadInput, match="pruner: hypervolume") as caught:
        Hypervolume.refuse(Hypervolume.Config(), problem(objectives, **rest))
    assert message in str(caught.value)


def test_accepted() -> None:
    Hypervolume.refuse(Hypervolume.Config(), problem(TWO))
    Hypervolume.refuse(Hypervolume.Config(), problem(THREE))

"""What is known of a stage's evaluations, and patience, against plain lists."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from sparsetune.sparsity.history import Evaluation, History, Patience, window_of
from sparsetune.sparsity.session import Session
from sparsetune.training.session import TrainingSession

SESSION: Session = TrainingSession.of(nn.Linear(1, 1))
LOSSES = st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0, math.inf]) | st.floats(0, 9), min_size=1, max_size=20)


def evaluations(losses: list[float], often: int = 1) -> list[Evaluation]:
    """So often an epoch of ten iterations."""
    return [
        Evaluation(number, 10 * number // often, number // often, {"val_loss": loss, "train_loss": -loss})
        for number, loss in enumerate(losses, 1)
    ]


def first_lowest(losses: list[float]) -> int:
    return losses.index(min(losses))


@given(LOSSES, st.integers(1, 5))
def test_the_best_and_the_last_are_those_of_a_list(losses: list[float], window: int) -> None:
    history, each = History(window), evaluations(losses)
    assert history.best is None
    assert history.recent == ()
    for number, evaluation in enumerate(each):
        so_far = losses[: number + 1]
        assert history.add(evaluation) == (first_lowest(so_far) == number)
        assert history.best == each[first_lowest(so_far)]
        assert history.last is evaluation
        assert list(history.recent) == each[: number + 1][-window:]
        assert evaluation.loss == losses[number]


@given(LOSSES, st.integers(1, 6), st.integers(1, 4))
def test_patience_ends_a_stage_where_a_plain_loop_does(losses: list[float], epochs: int, often: int) -> None:
    """When so many epochs lie between the last evaluation and the first with the lowest loss, however many they are."""
    history, each = History(), evaluations(losses, often)
    for number, evaluation in enumerate(each):
        history.add(evaluation)
        best = min(range(number + 1), key=lambda at: (losses[at], at))
        spent = (number + 1) // often - (best + 1) // often >= epochs
        assert Patience(epochs)(history, SESSION) == spent


@pytest.mark.parametrize(
    ("losses", "epochs", "ends"),
    [
        ([3.0, 2.0, 1.0, 2.0, 3.0], 1, 4),
        ([3.0, 2.0, 1.0, 2.0, 3.0], 2, 5),
        ([1.0, 1.0], 1, 2),  # equal is not lower
        ([1.0, 2.0, 0.5, 1.0], 2, None),
        ([math.inf, math.inf, math.inf], 2, 3),
        ([1.0], 1, None),
    ],
)
def test_patience_by_hand(losses: list[float], epochs: int, ends: int | None) -> None:
    history = History()
    found = []
    for evaluation in evaluations(losses):
        history.add(evaluation)
        if Patience(epochs)(history, SESSION):
            found.append(evaluation.number)
    assert (found[0] if found else None) == ends


@given(LOSSES, st.integers(1, 4), st.data())
def test_a_history_that_is_taken_up_again_goes_on(losses: list[float], window: int, data: st.DataObject) -> None:
    """From plain values that a file can hold."""
    each, at = evaluations(losses), data.draw(st.integers(0, len(losses)))
    straight, stopped, again = History(window), History(window), History(window)
    for evaluation in each[:at]:
        stopped.add(evaluation)
    again.load_state_dict(json.loads(json.dumps(stopped.state_dict())))
    for evaluation in each:
        straight.add(evaluation)
    for evaluation in each[at:]:
        again.add(evaluation)
    assert (again.best, again.recent) == (straight.best, straight.recent)


def test_what_is_kept_of_a_history_never_changes() -> None:
    history, numbers = History(), {"val_loss": 1.0}
    history.add(Evaluation(1, 10, 1, numbers))
    kept = history.state_dict()
    history.add(Evaluation(2, 20, 2, {"val_loss": 0.5}))
    numbers["val_loss"] = 9.0
    assert kept == {"recent": [[1, 10, 1, {"val_loss": 1.0}]], "best": [1, 10, 1, {"val_loss": 1.0}]}


@dataclass(frozen=True)
class Looking:
    window: int

    def __call__(self, history: History, session: Session) -> bool:
        return len(history.recent) == self.window


@given(st.lists(st.none() | st.integers(1, 9), max_size=4))
def test_as_many_are_kept_as_the_farthest_rule_looks_at(windows: list[int | None]) -> None:
    rules = [None if window is None else Looking(window) for window in windows]
    assert window_of(rules) == max([1, *(window for window in windows if window)])


def test_equal_patience_is_one_rule() -> None:
    found: Mapping[Patience, int] = {Patience(2): 1, Patience(epochs=2): 2, Patience(3): 3}
    assert found == {Patience(2): 2, Patience(3): 3}

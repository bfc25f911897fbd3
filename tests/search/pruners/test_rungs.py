"""Where trials are compared, and what is kept for it."""

from __future__ import annotations

import json
import math

from sparsetune.config.study.file import Objective
from sparsetune.search.pruners.rungs import Reached, Rungs, is_rung, losses_of

TWO = (Objective(metric="val_accuracy", goal="maximize"), Objective(metric="val_loss", goal="minimize"))


def test_rungs_by_hand() -> None:
    assert [since for since in range(1, 40) if is_rung(since, 3, 1.5)] == [3, 4, 7, 10, 15, 23, 34]
    assert [since for since in range(1, 40) if is_rung(since, 1, 2.0)] == [1, 2, 4, 8, 16, 32]
    assert [since for since in range(1, 24) if is_rung(since, 1, 1.25)] == [1, 2, 3, 4, 5, 6, 7, 9, 12, 15, 18, 23]
    assert sum(is_rung(since, 5000, 1.5) for since in range(1, 50_001)) == 6


def test_losses_have_one_direction() -> None:
    assert losses_of({"val_accuracy": 0.9, "val_loss": 0.3, "ece": 0.1}, TWO) == (-0.9, 0.3)
    assert losses_of({"val_accuracy": 0.9}, TWO) is None
    assert math.isnan((losses_of({"val_accuracy": math.nan, "val_loss": 0.3}, TWO) or (0.0,))[0])


def test_what_was_noted_first_stays() -> None:
    rungs = Rungs()
    assert rungs.enter(0, ("a", 1), Reached((0.5,)))
    assert not rungs.enter(0, ("a", 1), Reached((0.1,)))
    assert rungs.enter(1, ("a", 1), Reached((0.1,)))
    assert rungs.reached == {("a", 1): {0: Reached((0.5,)), 1: Reached((0.1,))}}


def test_records_make_it_again() -> None:
    rungs, again = Rungs(), Rungs()
    for number in range(3):
        rungs.enter(number, ("a", 1), Reached((0.5 + number, 1.0), density=0.25))
        rungs.enter(number, ("b", 4), Reached((0.1, 2.0)))
        state = "FAIL" if number == 1 else "PRUNED"
        again.restore(number, state, {"rungs": json.loads(json.dumps(rungs.record(number)))})
        rungs.ended(number, state)
    assert again == rungs
    assert list(rungs.reached["a", 1]) == [0, 2]

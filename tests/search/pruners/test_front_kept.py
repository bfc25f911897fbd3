"""With several objectives a gate stops nobody who is on the front of what was seen."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from search.cells import new_study, problem, pruner_config
from search.pruners.judged import Judged
from sparsetune.base.messages import Row
from sparsetune.config.study.file import Objective
from sparsetune.search.pruners import PRUNERS
from sparsetune.search.pruners.contract import Stopper
from sparsetune.search.pruners.front import beaten_by
from sparsetune.search.pruners.rungs import is_rung

ACCURATE = Objective(metric="val_accuracy", goal="maximize")
SAVED = Objective(metric="compute_saved", goal="maximize")
SMALL = Objective(metric="density", goal="minimize")  # known only at the end
PAIR = problem(objectives=(ACCURATE, SAVED), epochs=20)
GATES: dict[str, dict[str, Any]] = {
    "median": {"n_startup_trials": 2},
    "percentile": {"percentile": 30.0, "n_startup_trials": 2},
    "asha": {"reduction_factor": 2},
    "hyperband": {"reduction_factor": 2},
    "patient": {"patience": 1},
}


def gate(name: str, of: Any = PAIR, **settings: Any) -> Judged:
    return Judged(of, name, metric="val_accuracy", **settings)


def asha(**settings: Any) -> Judged:
    """Looks at each trial after 4, 8 and 16 of 20 epochs, and stops all but the most accurate quarter."""
    return gate("asha", min_epochs=4, reduction_factor=2, **settings)


def at_four(judged: Judged, accuracy: float, saved: float, phase: str = "", since: int = 4) -> bool:
    """A new trial's row after four epochs; whether it is stopped."""
    number = judged.ask().number
    metrics = {"val_accuracy": accuracy, "compute_saved": saved}
    return judged.stopper.report(number, Row(4, 0, metrics, phase=phase, since=since))


def test_beaten_by_hand() -> None:
    losses = np.array([(1.0, 4.0), (2.0, 2.0), (2.0, 2.0), (2.0, 3.0), (3.0, 3.0), (4.0, 1.0)])
    assert [beaten_by(losses, index) for index in range(6)] == [0, 0, 0, 2, 3, 0]


@pytest.mark.parametrize(("settings", "stopped"), [({}, False), ({"keep_front": False}, True)])
def test_the_cheap_end_goes_on(settings: dict[str, Any], stopped: bool) -> None:
    judged = asha(**settings)
    for accuracy in (0.8, 0.85, 0.9):
        at_four(judged, accuracy, 0.1)
    assert at_four(judged, 0.3, 0.6) is stopped


def test_two_others_must_beat_it() -> None:
    judged = asha()
    assert not at_four(judged, 0.9, 0.5)
    assert not at_four(judged, 0.8, 0.5), "beaten by one"
    assert not at_four(judged, 0.7, 0.6), "by none"
    assert at_four(judged, 0.7, 0.5), "by three"
    assert at_four(judged, 0.7, 0.5), "and so is its like"


def test_only_what_the_gate_would_stop_is_stopped() -> None:
    judged = asha()
    for saved in (0.4, 0.5, 0.6):
        at_four(judged, 0.9, saved)
    assert not at_four(judged, 0.9, 0.1), "in accuracy it is as good as any"


def test_nobody_is_stopped_before_a_fifth_of_the_epochs() -> None:
    judged = gate("median", n_startup_trials=0)
    for _ in range(3):
        judged.finish([0.0] * 20, val_accuracy=0.9, compute_saved=0.5)
    assert judged.finish([0.0] * 20, val_accuracy=0.1, compute_saved=0.1)[1] == 4


def test_others_beat_it_as_far_in_the_same_phase_only() -> None:
    judged = asha()
    for _ in range(3):
        at_four(judged, 0.9, 0.5)
    assert not at_four(judged, 0.1, 0.1, phase="retrain"), "nobody else has come there"
    assert not at_four(judged, 0.1, 0.1, since=3), "nobody else was looked at there"
    assert at_four(judged, 0.1, 0.1)


def test_in_a_new_phase_nobody_is_beaten_before_its_first_rung() -> None:
    judged = gate("median", n_startup_trials=0)
    for _ in range(4):
        judged.finish([0.0] * 20, val_accuracy=0.9, compute_saved=0.5)
    number = judged.ask().number
    bad = {"val_accuracy": 0.1, "compute_saved": 0.1}
    assert judged.stopper.report(number, Row(6, 0, bad, since=6))
    assert not judged.stopper.report(number, Row(14, 0, bad, phase="retrain", since=8)), "no rung"


def test_between_rungs_the_last_one_counts() -> None:
    """After 9 epochs it was beaten by two, and the gate, which looks after each, stops it after 10."""
    judged = gate("median", n_startup_trials=0, n_warmup_epochs=9)
    for _ in range(2):
        judged.finish([0.0] * 20, val_accuracy=0.9, compute_saved=0.5)
    assert judged.finish([0.0] * 20, val_accuracy=0.1, compute_saved=0.1)[1] == 10


def test_what_the_gate_has_said_once_holds() -> None:
    """The gate looks at the fourth epoch, where nobody beats it, and then at the eighth; at the fifth two beat it."""
    judged = asha()
    for _ in range(3):
        judged.finish([0.0] * 20, val_accuracy=0.9, compute_saved=0.5)
    number = judged.ask().number
    assert not judged.report(number, 4, val_accuracy=0.1, compute_saved=0.6)
    assert judged.report(number, 5, val_accuracy=0.1, compute_saved=0.4)


def test_what_has_not_settled_stops_nobody() -> None:
    judged = asha()
    for _ in range(3):
        judged.finish([0.0] * 20, val_accuracy=0.9, compute_saved=0.5)
    number = judged.ask().number
    bad = {"val_accuracy": 0.1, "compute_saved": 0.1}
    assert not judged.report(number, 4, settled=False, **bad)
    assert judged.report(number, 5, **bad)
    number = judged.ask().number
    assert not judged.report(number, 4, val_accuracy=0.1, compute_saved=0.6)
    assert not judged.report(number, 5, settled=False, **bad)
    assert not judged.report(number, 5, settled=False, val_accuracy=math.nan, compute_saved=0.6)
    assert judged.report(number, 5, **bad)


@pytest.mark.parametrize("broken", ["val_accuracy", "compute_saved"])
def test_what_is_not_a_number_is_left_to_the_gate(broken: str) -> None:
    judged = asha()
    for _ in range(4):
        at_four(judged, 0.8, 0.5)
    assert at_four(judged, **{"accuracy": 0.3, "saved": 0.9, **{broken.split("_")[1]: math.nan}})


def test_a_gate_that_is_not_a_number_stops() -> None:
    """Objectives may be well beside it."""
    judged = Judged(PAIR, "median", metric="val_loss", n_startup_trials=1)
    best = {"val_accuracy": 0.9, "compute_saved": 0.9}
    judged.finish([1.0] * 20, val_accuracy=0.5, compute_saved=0.5)
    assert judged.finish([2.0] * 20, **best)[1] is None
    assert judged.finish([math.nan] * 20, **best)[1] == 1


@pytest.mark.parametrize("objectives", [(ACCURATE, SMALL), (SMALL, Objective(metric="brier", goal="minimize"))])
def test_objectives_of_the_end_keep_nobody(objectives: tuple[Objective, ...]) -> None:
    of = problem(objectives=objectives, epochs=20)
    judged = gate("asha", of, min_epochs=4, reduction_factor=2)
    assert [at_four(judged, accuracy, 0.1) for accuracy in (0.9, 0.8, 0.7, 0.3)][-1]


def test_a_trial_that_fails_beats_nobody() -> None:
    judged = asha()
    for number in range(3):
        at_four(judged, 0.9, 0.5)
        judged.end(number, "FAIL")
    assert not at_four(judged, 0.1, 0.1)
    judged.restart()
    assert not at_four(judged, 0.1, 0.1)


def test_replicates_are_compared_by_their_means() -> None:
    """It is beaten by both after two replicates, 0.55 and 0.3 on average; by its second alone it was not."""
    of = problem(objectives=(ACCURATE, SMALL), replicates=9)
    judged = gate("wilcoxon", of, n_startup_replicates=2, p_threshold=0.3)
    for _ in range(2):
        number = judged.ask().number
        for index in range(9):
            better = {"val_accuracy": 0.9 + index / 100, "density": 0.25}
            assert not judged.stopper.replicate(number, index, better)
        judged.end(number, "COMPLETE", 0.9)
    for densities, stopped in (((0.5, 0.1), True), ((0.1, 0.5), True), ((0.3, 0.1), False)):
        number = judged.ask().number
        ends = [
            judged.stopper.replicate(number, index, {"val_accuracy": 0.5 + index / 10, "density": density})
            for index, density in enumerate(densities)
        ]
        assert ends == [False, stopped]
        judged.end(number, "PRUNED" if stopped else "FAIL")


def curves(number: int) -> list[dict[str, float]]:
    """Rows of random walks, whose ends trade off."""
    random = np.random.default_rng(number)
    share = random.random()
    walk = np.cumsum(random.normal(0, 0.05, (20, 2)), axis=0)
    ends = np.array([0.9 - 0.3 * share - 0.3 * random.random(), share])
    return [
        {"val_accuracy": float(accuracy), "compute_saved": float(saved), "val_loss": float(-accuracy)}
        for accuracy, saved in ends + walk
    ]


def rebuilt(name: str, before: list[tuple[Any, str]]) -> Stopper:
    config = pruner_config(name, metric="val_accuracy", **GATES[name])
    made: Stopper = PRUNERS.get(name).stopper(config, PAIR, new_study(PAIR))
    for number, (state, record) in enumerate(before):
        made.restore(number, state, json.loads(record))
    return made


@pytest.mark.parametrize("name", GATES)
def test_decisions_do_not_depend_on_restarts(name: str) -> None:
    """Built again before every row, with the rows of the running trial repeated; each stop is checked by hand."""
    through = rebuilt(name, [])
    before: list[tuple[Any, str]] = []
    seen: list[list[dict[str, float]]] = []
    for number in range(20):
        rows, stop = curves(number), False
        for epoch in range(1, 21):
            again = rebuilt(name, before)
            told = [again.report(number, Row(at, 0, rows[at - 1], since=at)) for at in range(1, epoch + 1)]
            stop = through.report(number, Row(epoch, 0, rows[epoch - 1], since=epoch))
            assert told == [False] * (epoch - 1) + [stop]
            if stop or (number % 7 == 3 and epoch == 5):
                break
        if stop:
            rung = max(at for at in range(1, epoch + 1) if is_rung(at, 1, 1.25))
            assert epoch >= 4
            assert sum(beats(other[rung - 1], rows[rung - 1]) for other in seen if len(other) >= rung) >= 2
        seen.append([] if epoch == 5 and not stop else rows[:epoch])
        state: Any = "PRUNED" if stop else "FAIL" if epoch == 5 else "COMPLETE"
        before.append((state, json.dumps(through.record(number))))
        assert before[-1][1] == json.dumps(again.record(number))
        through.ended(number, state)
    assert 2 < sum(state == "PRUNED" for state, _ in before) < 18


def beats(one: dict[str, float], other: dict[str, float]) -> bool:
    pairs = [(one[name], other[name]) for name in ("val_accuracy", "compute_saved")]
    return all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)


def test_records_stay_small() -> None:
    of = problem(objectives=(ACCURATE, SAVED), epochs=50_000)
    judged = gate("asha", of)
    number = judged.ask().number
    for epoch in range(1, 50_001):
        if epoch % 1000 == 0 or is_rung(epoch, 1, 1.25):
            judged.report(number, epoch, val_accuracy=0.123456789012345, compute_saved=0.123456789012345)
    assert len(judged.stopper.record(number)["rungs"]) <= 8


@pytest.mark.parametrize(
    "record", [None, [], {"rungs": []}, {"metric": "val_loss", "steps": "epochs", "values": [[1, 0]]}]
)
def test_records_of_other_pruners_are_left_alone(record: Any) -> None:
    judged = asha()
    for number in range(3):
        judged.ask()
        judged.stopper.restore(number, "PRUNED", record)
    assert not at_four(judged, 0.1, 0.1)

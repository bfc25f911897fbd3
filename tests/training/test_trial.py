"""From a job to reports: what is said when, what is left behind, and how a trial goes on after a kill."""

import math
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from sparsetune.base.errors import BadInput
from sparsetune.base.messages import Job, Key, Metrics, Outcome, Report
from sparsetune.config.metrics import SHARED, core
from sparsetune.testing.trained import run_through, same_state, trial_config, untimed
from sparsetune.training.checkpoint import read_checkpoint
from sparsetune.training.randomness import Counters, Order
from sparsetune.training.trial import run_trial

SMALL = {"name": "mlp", "hidden": [8]}


def job(folder: Path, method: Any = "dense", model: Any = SMALL, seed: int = 0, cadence: Any = None, **kw: Any) -> Job:
    config = trial_config(method, model, seed=seed, **kw).plain()
    return Job(Key(0), config, str(folder), **(cadence or {}))


def epochs(reports: list[Report]) -> list[list[int]]:
    return [[row.epoch for row in report.rows] for report in reports]


def ends(reports: Iterable[Report]) -> list[tuple[Key | None, Metrics, bool]]:
    """Of each report with an outcome: the run, its numbers, and whether more follow."""
    found = ((report, report.outcome) for report in reports)
    return [(report.key, untimed(outcome.metrics), report.more) for report, outcome in found if outcome is not None]


@pytest.mark.parametrize(
    ("every", "count", "expected"),
    [
        ("1ep", 3, [[1], [2], [3]]),
        ("2ep", 5, [[1, 2], [3, 4], [5]]),
        ("2ep", 4, [[1, 2], [3, 4]]),
        ("9ep", 3, [[1, 2, 3]]),
        ("1000s", 3, [[1, 2, 3]]),
        ("0.000001s", 3, [[1], [2], [3]]),  # an epoch takes longer
    ],
)
def test_reports_have_their_cadence(tmp_path: Path, every: str, count: int, expected: list[list[int]]) -> None:
    reports = list(run_trial(job(tmp_path, epochs=count, cadence={"report_every": every})))
    assert epochs(reports) == expected
    assert [report.outcome is not None for report in reports] == [False] * (len(expected) - 1) + [True]


def test_the_outcome_is_the_trainer_s(tmp_path: Path) -> None:
    model, settings = {"name": "mlp", "hidden": [8], "dropout": 0.1}, {"epochs": 3, "seed": 4, "keep": "best"}
    reports = list(run_trial(job(tmp_path, "ast", model, **settings)))
    trainer, metrics = run_through(trial_config("ast", model, **settings))
    outcome = reports[-1].outcome
    assert outcome is not None
    assert (outcome.state, outcome.reason) == ("COMPLETE", "")
    assert untimed(outcome.metrics) == untimed(metrics)
    rows = [row for report in reports for row in report.rows]
    assert [untimed(row.metrics) for row in rows] == [untimed(row.metrics) for row in trainer.record]
    assert {name for name in core("classification") if not SHARED[name].needs} <= set(outcome.metrics)
    weights = load_file(tmp_path / "weights.safetensors")
    assert same_state(weights, dict(sorted(trainer.network.state_dict().items())))


@pytest.mark.parametrize("method", ["dense", "ast"])
def test_files_that_a_trial_leaves(tmp_path: Path, method: str) -> None:
    list(run_trial(job(tmp_path, method, epochs=2)))
    files = {path.name for path in tmp_path.iterdir()}
    assert files == {"weights.safetensors"} | ({"trace.npz"} if method == "ast" else set())
    if method == "ast":
        with np.load(tmp_path / "trace.npz", allow_pickle=False) as trace:
            assert sorted(trace) == ["activation", "threshold"]
            assert trace["activation"].shape == trace["threshold"].shape == (2 * 17,)
            assert ((trace["activation"] > 0) & (trace["activation"] <= 1)).all()
            assert (trace["threshold"] > 0).all()


@pytest.mark.parametrize(("every", "saved"), [("1ep", 5), ("2ep", 4), ("3ep", 3), ("9ep", None), ("1000s", None)])
def test_checkpoints_have_their_cadence(tmp_path: Path, every: str, saved: int | None) -> None:
    list(run_trial(job(tmp_path, epochs=5, cadence={"checkpoint_every": every})))
    state = read_checkpoint(tmp_path / "checkpoint.pt")
    assert (state and state["training"]["cursor"]["evaluations"]) == saved


@pytest.mark.parametrize("stop", [1, 2, 3, 4])
@pytest.mark.parametrize("every", ["1ep", "2ep"])
def test_a_trial_goes_on_after_a_kill(tmp_path: Path, stop: int, every: str) -> None:
    """The first report after a restart repeats all rows that the checkpoint knows, with their timestamps."""
    settings = {"epochs": 5, "cadence": {"checkpoint_every": every}}
    expected = list(run_trial(job(tmp_path / "straight", "ast", **settings)))
    killed = job(tmp_path / "killed", "ast", **settings)
    running = run_trial(killed)
    before = [row for report in islice(running, stop) for row in report.rows]
    running.close()
    known = stop if every == "1ep" else stop // 2 * 2
    after = list(run_trial(killed))
    assert epochs(after) == [list(range(1, known + 2)), *([epoch] for epoch in range(known + 2, 6))]
    rows = [row for report in after for row in report.rows]
    assert rows[:known] == before[:known]
    straight = [row for report in expected for row in report.rows]
    assert [untimed(row.metrics) for row in rows] == [untimed(row.metrics) for row in straight]
    assert after[-1].outcome is not None
    assert expected[-1].outcome is not None
    assert untimed(after[-1].outcome.metrics) == untimed(expected[-1].outcome.metrics)
    files = [load_file(tmp_path / run / "weights.safetensors") for run in ("straight", "killed")]
    assert same_state(files[0], files[1])


def test_a_trial_that_had_ended_says_all_again(tmp_path: Path) -> None:
    ended = job(tmp_path, epochs=3, cadence={"checkpoint_every": "1ep"})
    first, again = list(run_trial(ended)), list(run_trial(ended))
    assert epochs(again) == [[1, 2, 3]]
    assert again[0].rows == tuple(row for report in first for row in report.rows)
    (said, before) = (again[0].outcome, first[-1].outcome)
    assert said is not None
    assert before is not None
    assert (said.state, untimed(said.metrics), said.notes) == (before.state, untimed(before.metrics), before.notes)


def test_a_damaged_checkpoint_is_a_fresh_start(tmp_path: Path) -> None:
    fresh = job(tmp_path, epochs=2, cadence={"checkpoint_every": "1ep"})
    first = list(run_trial(fresh))
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(path.read_bytes()[:-1])
    again = list(run_trial(fresh))
    assert epochs(again) == [[1], [2]]
    assert untimed(again[-1].outcome.metrics) == untimed(first[-1].outcome.metrics)


@pytest.mark.usefixtures("recorder")
def test_a_loss_that_is_not_finite_is_a_fail_with_the_rows_so_far(tmp_path: Path) -> None:
    method = {"name": "recorder", "script": [1.0, 2.0, math.inf, 1.0]}
    reports = list(run_trial(job(tmp_path, method, epochs=4, cadence={"report_every": "9ep"})))
    assert epochs(reports) == [[1, 2]]
    assert reports[0].outcome is not None
    assert reports[0].outcome.state == "FAIL"
    assert reports[0].outcome.metrics == {}
    assert reports[0].outcome.reason in {"val_loss became inf in epoch 3", "val_loss became nan in epoch 3"}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("method", ["dense", "ast"])
def test_a_learning_rate_that_is_far_too_high_is_a_fail(tmp_path: Path, method: str) -> None:
    [report] = run_trial(job(tmp_path, method, epochs=4, lr=1e30))
    assert report.rows == ()
    assert report.outcome is not None
    assert (report.outcome.state, report.outcome.reason[:18]) == ("FAIL", "train_loss became ")


def test_a_config_that_cannot_be_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    config = {**job(tmp_path).config, "method": {"name": "ast", "target_activation": 0.01}}
    with pytest.raises(BadInput, match=r"^method\.target_activation: "):
        next(run_trial(Job(Key(0), config, str(tmp_path / "new"))))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("cpus", [1, 2])
def test_a_trial_has_as_many_threads_as_its_job_says(tmp_path: Path, cpus: int) -> None:
    next(run_trial(job(tmp_path, epochs=2, cadence={"cpus": cpus})))
    assert torch.get_num_threads() == cpus


def test_a_checkpoint_of_another_config_is_not_taken_up(tmp_path: Path) -> None:
    list(run_trial(job(tmp_path, epochs=5, cadence={"checkpoint_every": "1ep"})))
    other = job(tmp_path, "ast", epochs=5)
    assert epochs(list(run_trial(other))) == [[1], [2], [3], [4], [5]]


def test_a_job_that_is_asked_to_stop_between_two_of_its_trainings_repeats_none(
    tmp_path: Path, trained: list[int]
) -> None:
    several = {"seeds": (4, 5, 6), "checkpoint_every": "9ep"}
    straight = ends(run_trial(job(tmp_path / "a", epochs=2, cadence=several)))
    trained.clear()
    stop = tmp_path / "stop"
    stopped = job(tmp_path / "b", epochs=2, cadence={**several, "stop_file": str(stop)})
    before: list[Report] = []
    for report in run_trial(stopped):
        before.append(report)
        if report.outcome is not None:
            stop.touch()
    assert before[-1] == Report(outcome=Outcome("STOPPED")), "of no run, and nothing follows"
    assert ends(before[:-1]) == straight[:1]
    assert list(run_trial(stopped)) == [Report(outcome=Outcome("STOPPED"))], "as long as it is there"
    stop.unlink()
    after = list(run_trial(stopped))
    assert trained == [0, 1] * 3
    assert after[0].key == Key(0, 4)
    assert after[0].rows == tuple(row for report in before for row in report.rows)
    assert ends(after) == straight
    assert [(key, more) for key, _, more in straight] == [(Key(0, 4), True), (Key(0, 5), True), (Key(0, 6), False)]


@pytest.mark.parametrize("epoch", [2, 5, 8])
def test_each_replicate_is_saved_in_its_cadence(
    tmp_path: Path, trained: list[int], monkeypatch: pytest.MonkeyPatch, epoch: int
) -> None:
    """Killed as an epoch begins, a trial goes on with that epoch, whichever seed it is of."""
    several = {"seeds": (4, 5, 6), "checkpoint_every": "1ep"}
    straight = ends(run_trial(job(tmp_path / "a", epochs=3, cadence=several)))
    trained.clear()
    counting = Order.next

    def killing(order: Order, counters: Counters, steps: int) -> Tensor:
        found = counting(order, counters, steps)
        if len(trained) == epoch + 1:
            raise KeyboardInterrupt
        return found

    killed = job(tmp_path / "b", epochs=3, cadence=several)
    monkeypatch.setattr(Order, "next", killing)
    with pytest.raises(KeyboardInterrupt):
        list(run_trial(killed))
    monkeypatch.setattr(Order, "next", counting)
    trained.clear()
    after = ends(run_trial(killed))
    assert trained == [each % 3 for each in range(epoch, 9)]
    assert after == straight

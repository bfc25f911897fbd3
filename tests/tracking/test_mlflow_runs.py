"""Branches and replicates of a trial in MLflow, against a real SQLite store."""

from __future__ import annotations

import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from helpers.trials import FORK, PLAIN, several
from mlflow import MlflowClient
from tracked import Watch, rows, session

from sparsetune.base.messages import Key, Row, Run, Trial
from sparsetune.tracking.run_keys import RunKey, run_key_of, shown_rows

SEEDS = (3, 4)
ROWS = tuple(RunKey(7, branch.name) for branch in FORK)
ALL = tuple(each for row in ROWS for each in (row, *(row._replace(seed=seed) for seed in SEEDS)))


def forked(number: int = 7) -> Trial:
    """Accuracies 0.3, 0.4, 0.5 of the first seed, and 0.2 more of the second."""
    return several(
        number,
        {(seed, b.name): {"acc": 0.3 + 0.1 * i + 0.2 * (seed - 3)} for seed in SEEDS for i, b in enumerate(FORK)},
    )


def begun(trial: Trial) -> Trial:
    """The same before anything is known of it."""
    runs = tuple(Run(run.key) for run in trial.runs)
    return Trial(trial.number, "RUNNING", trial.params, trial.config, runs=runs, branches=trial.branches,
                 started_ms=1_000)  # fmt: skip


def curves(trial: Trial, last: int = 3) -> dict[Key, tuple[Row, ...]]:
    return {run.key: rows(1, last) for run in trial.runs}


def test_the_places_of_a_trial() -> None:
    assert list(shown_rows(forked())) == list(ALL)
    assert [run_key_of(forked(), run.key).seed for run in forked().runs] == [3, 3, 3, 4, 4, 4]
    single = several(0, {(3, branch.name): {} for branch in FORK})
    assert list(shown_rows(single)) == [RunKey(0, branch.name) for branch in FORK]
    assert run_key_of(single, Key(0, 3, "mc_samples=5")) == RunKey(0, "mc_samples=5")
    plain = Trial(0, "COMPLETE", {}, {}, runs=(Run(Key(0, 3)),))
    assert list(shown_rows(plain)) == [RunKey(0)] == [run_key_of(plain, Key(0, 3))]
    assert ALL[1].tags(9) == {
        "sparsetune.role": "replicate", "sparsetune.trial": "7", "sparsetune.branch": "mc_samples=1",
        "sparsetune.seed": "3", "sparsetune.runs": "9",
    }  # fmt: skip
    assert RunKey(3).tags(1) == {"sparsetune.role": "trial", "sparsetune.trial": "3"}
    assert RunKey(3, "", 0).tags(2)["sparsetune.seed"] == "0"
    assert [place.name for place in ALL[:2]] == ["trial 7 mc_samples=1", "trial 7 mc_samples=1 seed 3"]


def test_each_row_has_its_means_and_beside_it_is_a_run_for_each_seed(watch: Watch, tmp_path: Path) -> None:
    trial = forked()
    figures = {}
    for run in trial.runs:
        figure = tmp_path / str(run.key.seed) / run.key.branch / "figure.png"
        figure.parent.mkdir(parents=True)
        figure.write_text(f"{run.key.seed} {run.key.branch}")
        figures[run.key] = {"figure.png": figure}
    tracker = watch.open()
    tracker.trial_started(begun(trial), resumed=False)
    tracker.trial_reported(begun(trial), trial.runs[1].key, rows(1, 2))
    assert not tracker.logged(7)
    tracker.trial_ended(trial, curves(trial), figures)
    assert tracker.logged(7)
    found = watch.places()
    assert set(found) == set(ALL)
    client = MlflowClient(watch.uri)
    for index, place in enumerate(ROWS):
        run = found[place]
        assert run.info.run_name == f"#7 lr 0.08 mc_samples {FORK[index].values['method.mc_samples']}"
        assert (run.info.status, run.data.tags["sparsetune.state"]) == ("FINISHED", "COMPLETE")
        assert run.data.tags["mlflow.parentRunId"] == watch.parent().info.run_id
        assert run.data.metrics == {
            "acc": pytest.approx(0.4 + 0.1 * index),
            "acc_se": pytest.approx(0.1),
            "loss": pytest.approx(1 / 3),
        }, "the mean of two that differ by 0.2, and s / sqrt(2) = 0.1"
        means = client.get_metric_history(run.info.run_id, "loss")
        assert [(point.step, point.value) for point in means] == [(1, 1), (2, 1 / 2), (3, pytest.approx(1 / 3))]
        assert run.data.params["method.mc_samples"] == str(FORK[index].values["method.mc_samples"])
        for seed in SEEDS:
            under = found[place._replace(seed=seed)]
            assert under.info.run_name == f"#7 seed {seed} lr 0.08 mc_samples {FORK[index].values['method.mc_samples']}"
            assert under.data.tags["mlflow.parentRunId"] == watch.parent().info.run_id
            assert under.data.params["seed"] == str(seed)
            assert under.data.metrics["acc"] == pytest.approx(0.3 + 0.1 * index + 0.2 * (seed - 3))
            assert "acc_se" not in under.data.metrics
            points = client.get_metric_history(under.info.run_id, "loss")
            assert [point.step for point in points] == [1, 2, 3]
            folder = Path(client.download_artifacts(under.info.run_id, ""))
            assert (folder / "figure.png").read_text() == f"{seed} {FORK[index].name}"
    assert watch.warnings == []


def test_a_fork_of_one_seed_has_its_curves_in_the_rows(watch: Watch) -> None:
    trial = several(0, {(3, branch.name): {"acc": 0.03} for branch in FORK})
    tracker = watch.open()
    tracker.trial_ended(trial, curves(trial), {})
    found = watch.places()
    assert set(found) == {RunKey(0, branch.name) for branch in FORK}
    for run in found.values():
        points = MlflowClient(watch.uri).get_metric_history(run.info.run_id, "loss")
        assert [point.step for point in points] == [1, 2, 3]
        assert run.data.metrics == {"acc": 0.03, "loss": pytest.approx(1 / 3)}


def test_replicates_without_a_fork(watch: Watch) -> None:
    trial = several(0, {(seed, ""): {"acc": 0.1 * seed} for seed in SEEDS}, branches=PLAIN)
    tracker = watch.open()
    tracker.trial_started(begun(trial), resumed=False)
    tracker.trial_ended(trial, curves(trial), {})
    found = watch.places()
    assert [found[place].info.run_name for place in (RunKey(0), RunKey(0, "", 3), RunKey(0, "", 4))] == [
        "#0 lr 0.01",
        "#0 seed 3 lr 0.01",
        "#0 seed 4 lr 0.01",
    ]
    assert len(found) == 3


def test_a_replicate_that_failed_says_so_in_its_own_run(watch: Watch) -> None:
    first, second = Run(Key(0, 3), "COMPLETE", {"acc": 0.5}), Run(Key(0, 4), "FAIL", {}, "diverged")
    trial = Trial(0, "FAIL", {}, {}, reason="seed 4: diverged", runs=(first, second), started_ms=1, ended_ms=9)
    tracker = watch.open()
    tracker.trial_ended(trial, {first.key: rows(1, 2)}, {})
    found = watch.places()
    statuses = [found[place].info.status for place in (RunKey(0), RunKey(0, "", 3), RunKey(0, "", 4))]
    assert statuses == ["FAILED", "FINISHED", "FAILED"]
    assert found[RunKey(0, "", 4)].data.tags["sparsetune.reason"] == "diverged"


FORKED = (
    "from test_mlflow_runs import begun, curves, forked\n"
    "tracker.trial_started(begun(forked()), resumed=True)\n"
    "tracker.trial_ended(forked(), curves(forked()), {})\n"
    "assert tracker.logged(7) and not watch.warnings, watch.warnings\n"
)


@pytest.mark.slow
@pytest.mark.parametrize("end", [1, 2, 6, 9])
def test_a_kill_between_the_ends_of_its_runs_is_made_good(watch: Watch, tmp_path: Path, end: int) -> None:
    assert session(watch, FORKED, f"before-mlflow-end:{end}:{tmp_path / 'marker'}") == -signal.SIGKILL
    left = watch.places()
    assert sum(run.info.status == "FINISHED" for run in left.values()) == end - 1
    assert not watch.open().logged(7)
    tracker = watch.open()
    tracker.trial_started(forked(), resumed=True)
    tracker.trial_ended(forked(), curves(forked()), {})
    assert tracker.logged(7)
    found = watch.places()
    assert set(found) == set(ALL)
    assert {place: run.info.run_id for place, run in found.items() if place in left} == {
        place: run.info.run_id for place, run in left.items()
    }, "each goes on in its own run"
    assert {run.info.status for run in found.values()} == {"FINISHED"}
    assert {run.data.tags["mlflow.parentRunId"] for run in found.values()} == {watch.parent().info.run_id}
    assert watch.open().logged(7)
    assert watch.warnings == []


@pytest.mark.slow
def test_what_an_outage_kept_back_is_sent_in_one_piece(watch: Watch) -> None:
    tracker = watch.open()
    tracker.trial_started(begun(forked()), resumed=False)
    with closing(sqlite3.connect(watch.uri.removeprefix("sqlite:///"), isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        tracker.trial_ended(forked(), curves(forked()), {})
        connection.execute("ROLLBACK")
    assert not tracker.logged(7)
    tracker.close()
    assert tracker.logged(7)
    assert {place: run.info.status for place, run in watch.places().items()} == dict.fromkeys(ALL, "FINISHED")
    assert len(watch.warnings) == 1


def test_an_outage_that_ends_with_the_next_trial(watch: Watch) -> None:
    """The attempt that is due sends all runs of it, also those that were about to be offered."""
    tracker = watch.open()
    with closing(sqlite3.connect(watch.uri.removeprefix("sqlite:///"), isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        tracker.trial_ended(forked(6), curves(forked(6)), {})
        connection.execute("ROLLBACK")
    watch.now += 31
    tracker.trial_ended(forked(), curves(forked()), {})
    assert tracker.logged(6)
    assert tracker.logged(7)
    assert len(watch.places()) == 2 * len(ALL)


def test_a_resumed_trial_gets_its_rows_by_run_and_no_step_twice(watch: Watch) -> None:
    trial = forked()
    key = trial.runs[0].key
    first = watch.open()
    first.trial_started(begun(trial), resumed=False)
    first.trial_reported(begun(trial), key, rows(1, 2))
    first.close()
    second = watch.open()
    second.trial_started(begun(trial), resumed=True)
    second.trial_reported(begun(trial), key, rows(1, 3))
    second.trial_ended(trial, {**curves(trial), key: rows(1, 4)}, {})
    run = watch.places()[run_key_of(trial, key)]
    points = MlflowClient(watch.uri).get_metric_history(run.info.run_id, "loss")
    assert [point.step for point in points] == [1, 2, 3, 4]
    assert len(watch.places()) == len(ALL)


def test_a_run_that_could_not_be_created_at_first_is_made_up_for(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """The row's, while the server answers for the others."""
    tracker, create, calls = watch.open(), MlflowClient.create_run, []

    def once(*arguments: Any, **options: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 1:
            raise OSError("once")
        return create(*arguments, **options)

    monkeypatch.setattr(MlflowClient, "create_run", once)
    tracker.trial_ended(forked(), curves(forked()), {})
    tracker.close()
    assert tracker.logged(7)
    found = watch.places()
    assert set(found) == set(ALL)
    assert {run.data.tags["mlflow.parentRunId"] for run in found.values()} == {watch.parent().info.run_id}
    assert len(watch.warnings) == 1

"""Against a real SQLite store."""

from __future__ import annotations

import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from mlflow import MlflowClient
from tracked import TAGS, Watch, answer, rows, session, trial

from sparsetune.base.errors import BadInput
from sparsetune.base.messages import Key, Row, Trial
from sparsetune.tracking.outbox import FLUSH_SECONDS


def test_a_trial_is_one_nested_run_with_all_that_it_is(watch: Watch, tmp_path: Path) -> None:
    figure = tmp_path / "elsewhere.png"
    figure.write_bytes(b"png")
    tracker = watch.open()
    watch.begin(tracker, 7)
    assert watch.runs()[7].info.status == "RUNNING"
    assert not tracker.logged(7)
    tracker.trial_reported(trial(7), Key(7), rows(1, 2))
    assert watch.steps(7, "loss") == [], "rows wait for a batch"
    watch.now += FLUSH_SECONDS
    tracker.trial_reported(trial(7), Key(7), rows(3, 3))
    assert watch.steps(7, "loss") == [1, 2, 3]
    files = {"figures/loss.png": figure, "gone.txt": tmp_path / "gone"}
    tracker.trial_ended(trial(7, "COMPLETE", loss=0.25, acc=0.02, test_acc=0.5), {Key(7): rows(1, 4)}, {Key(7): files})
    tracker.close()

    run = watch.runs()[7]
    assert tracker.logged(7)
    assert run.info.status == "FINISHED"
    assert (run.info.run_name, run.info.start_time, run.info.end_time) == ("#7 kp 0.1", 1_000, 9_000)
    assert run.data.params["method.kp"] == "0.1"
    assert run.data.params["model.hidden"] == "[300, 100]"
    assert len(run.data.params["long"]) == 6000
    assert watch.history(7, "loss") == [(1, 1000, 1), (2, 2000, 1 / 2), (3, 3000, 1 / 3), (4, 4000, 1 / 4)]
    assert watch.steps(7, "acc") == [1, 2, 3, 4, 5]
    assert watch.history(7, "test_acc") == [(4, 9000, 0.5)]
    assert run.data.metrics == {"loss": 0.25, "acc": 0.02, "test_acc": 0.5}
    assert run.data.tags["mlflow.parentRunId"] == watch.parent().info.run_id
    assert run.data.tags["sparsetune.study"] == watch.experiment
    assert run.data.tags["sparsetune.state"] == "COMPLETE"
    assert run.data.tags["mlflow.source.git.commit"] == "abc"
    copies = [path for path in watch.folder.rglob("*") if path.is_file()]
    assert [path.name for path in copies] == ["loss.png"]
    assert copies[0].read_bytes() == b"png"
    assert not copies[0].is_symlink()
    assert MlflowClient(watch.uri).list_artifacts(run.info.run_id)[0].path == "figures"
    assert watch.warnings == []


@pytest.mark.parametrize(("state", "status"), [("PRUNED", "KILLED"), ("FAIL", "FAILED")])
def test_states_and_reasons(watch: Watch, state: str, status: str) -> None:
    tracker = watch.open()
    tracker.trial_ended(trial(0, state, "diverged"), {}, {})
    run = watch.runs()[0]
    assert (run.info.status, run.data.tags["sparsetune.reason"]) == (status, "diverged")


def test_a_resumed_trial_goes_on_in_its_run_and_no_step_is_doubled(watch: Watch) -> None:
    first = watch.open()
    watch.begin(first, 0)
    first.trial_ended(trial(0, "COMPLETE"), {Key(0): rows(1, 1)}, {})
    watch.begin(first, 1)
    first.trial_reported(trial(1), Key(1), rows(1, 3))
    first.close()
    parent = watch.parent().info.run_id

    second = watch.open(tags={**TAGS, "sparsetune.host": "there"})
    assert second.logged(0)
    assert not second.logged(1)
    watch.begin(second, 1, resumed=True)
    second.trial_reported(trial(1), Key(1), rows(1, 2))
    second.trial_reported(trial(1), Key(1), rows(3, 4, at=50_000))  # epoch 3 was lost with the worker and done again
    second.trial_ended(trial(1, "COMPLETE", loss=1 / 5), {Key(1): rows(1, 2) + rows(3, 5, at=50_000)}, {})
    second.trial_ended(trial(1, "COMPLETE", loss=1 / 5), {Key(1): rows(1, 2) + rows(3, 5, at=60_000)}, {})
    watch.begin(second, 2)
    assert [(step, time) for step, time, _ in watch.history(1, "loss")] == [
        (1, 1000),
        (2, 2000),
        (3, 3000),
        (4, 54_000),
        (5, 55_000),
    ]
    assert watch.parent().info.run_id == parent
    assert {number: run.data.tags["sparsetune.host"] for number, run in watch.runs().items()} == {
        0: "here",
        1: "here",
        2: "there",
    }
    assert watch.warnings == []


def test_a_trial_that_starts_again_in_the_same_session_keeps_its_run(watch: Watch) -> None:
    tracker = watch.open()
    tracker.trial_started(trial(0), resumed=False)
    tracker.trial_reported(trial(0), Key(0), rows(1, 2))
    tracker.trial_started(trial(0), resumed=True)
    tracker.trial_ended(trial(0, "COMPLETE"), {Key(0): rows(1, 3)}, {})
    tracker.trial_started(trial(0), resumed=True)
    assert not tracker.logged(0)
    tracker.trial_ended(trial(0, "FAIL", "lost"), {Key(0): rows(1, 3)}, {})
    assert watch.steps(0, "loss") == [1, 2, 3]
    assert watch.runs()[0].info.status == "FAILED"
    assert tracker.logged(0)


def test_a_short_trial_is_written_once_when_it_has_ended(watch: Watch) -> None:
    tracker = watch.open()
    tracker.trial_started(trial(0), resumed=False)
    tracker.trial_reported(trial(0), Key(0), rows(1, 2))
    assert watch.runs() == {}
    watch.now += FLUSH_SECONDS - 1
    tracker.trial_ended(trial(0, "PRUNED", "pruned"), {Key(0): rows(1, 2)}, {})
    tags = watch.runs()[0].data.tags
    assert (tags["sparsetune.state"], tags["sparsetune.reason"]) == ("PRUNED", "pruned")
    assert (watch.runs()[0].info.status, watch.steps(0, "loss")) == ("KILLED", [1, 2])


def test_many_rows_and_params_pass_the_limits_of_a_batch(watch: Watch) -> None:
    tracker = watch.open()
    wide = Trial(0, "COMPLETE", {}, {f"p{index}": index for index in range(250)})
    metrics = {f"m{index}": float(index) for index in range(7)}
    tracker.trial_ended(wide, {Key(0): tuple(Row(epoch, epoch, metrics) for epoch in range(1, 401))}, {})
    assert len(watch.runs()[0].data.params) == 251, "those and the trial's number"
    assert watch.steps(0, "m6") == list(range(1, 401))
    assert watch.warnings == []


def test_runs_are_found_again_page_by_page(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sparsetune.tracking.client.PAGE", 2)
    tracker = watch.open()
    for number in range(6):
        tracker.trial_ended(trial(number, "COMPLETE"), {}, {})
    again = watch.open()
    assert all(again.logged(number) for number in range(6))
    assert watch.parent()


def test_params_of_a_resumed_trial_stay_as_they_were(watch: Watch) -> None:
    watch.begin(watch.open(), 0)
    watch.open().trial_ended(Trial(0, "COMPLETE", {}, {"seed": 1, "new": 2}), {}, {})
    assert watch.warnings == []
    assert watch.runs()[0].data.params["seed"] == "0"
    assert watch.runs()[0].data.params["new"] == "2"


def test_runs_without_a_study_are_told_apart_by_name(watch: Watch) -> None:
    for name in ("one", "two", "one"):
        tracker = watch.open(study=None, tags={"sparsetune.run": name})
        watch.begin(tracker, 0)
        if name == "two":
            tracker.trial_ended(trial(0, "COMPLETE"), {Key(0): rows(1, 2)}, {})
            assert tracker.logged(0)
    assert sorted(run.info.run_name for run in watch.all_runs()) == ["one", "two"]
    assert all("mlflow.parentRunId" not in run.data.tags for run in watch.all_runs())


def test_each_session_of_a_study_brings_its_summary_up_to_date(watch: Watch, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    ended = [trial(number, "COMPLETE", acc=0.5) for number in (0, 1)]
    for turn, status in ((0, "KILLED"), (1, "FINISHED")):
        tracker = watch.open()
        assert watch.parent().info.status == "RUNNING"
        table.write_text(str(turn))
        tracker.summarise(status, answer(*ended[: turn + 1]), {"trials.csv": table})  # type: ignore[arg-type]
        tracker.close()
        assert watch.parent().info.status == status
        assert watch.parent().data.tags["sparsetune.trials_complete"] == str(turn + 1)
    assert watch.parent().data.metrics == {}
    assert [path.read_text() for path in watch.folder.rglob("trials.csv")] == ["1"]


def test_a_deleted_experiment_is_refused_with_what_to_do(watch: Watch) -> None:
    watch.open()
    experiment = MlflowClient(watch.uri).get_experiment_by_name(watch.experiment)
    MlflowClient(watch.uri).delete_experiment(experiment.experiment_id)
    with pytest.raises(BadInput, match=f"restore --experiment-id {experiment.experiment_id}") as deleted:
        watch.open()
    assert deleted.value.code == "unavailable"


def test_runs_that_were_deleted_by_hand_are_not_written_again(watch: Watch) -> None:
    tracker = watch.open()
    for number in (0, 1):
        watch.begin(tracker, number)
    for run in watch.all_runs():
        MlflowClient(watch.uri).delete_run(run.info.run_id)
    tracker.trial_ended(trial(0, "COMPLETE"), {Key(0): rows(1, 2)}, {})
    tracker.close()
    assert tracker.logged(0)
    again = watch.open()
    assert again.logged(1)
    watch.begin(again, 1, resumed=True)
    again.trial_ended(trial(1, "COMPLETE"), {Key(1): rows(1, 2)}, {})
    assert watch.runs() == {}
    assert watch.parent().info.status == "RUNNING", "a study that goes on has a parent"


def test_the_best_so_far_is_written_at_the_end_alone(watch: Watch) -> None:
    tracker = watch.open()
    watch.begin(tracker, 0)
    its_rows = tuple(Row(epoch, epoch, {"val_loss": 1 / epoch, "best_val_loss": 1 / epoch}) for epoch in (1, 2, 3))
    tracker.trial_reported(trial(0), Key(0), its_rows)
    watch.begin(tracker, 1)
    assert watch.runs()[0].data.metrics == {"val_loss": 1 / 3}
    tracker.trial_ended(trial(0, "COMPLETE", best_val_loss=1 / 3), {Key(0): its_rows}, {})
    tracker.close()
    assert watch.history(0, "best_val_loss") == [(3, 3, 1 / 3)]
    assert watch.steps(0, "val_loss") == [1, 2, 3]


LOG = (
    "watch.begin(tracker, 0, resumed=True)\n"
    "files = {'self.py': Path(sys.argv[1], 'conftest.py')}\n"
    "tracker.trial_ended(trial(0, 'COMPLETE', test_acc=0.5), {Key(0): rows(1, 5)}, {Key(0): files})\n"
    "assert tracker.logged(0) and not watch.warnings, watch.warnings\n"
)


@pytest.mark.slow
def test_a_kill_before_the_end_leaves_one_run_that_is_completed(watch: Watch, tmp_path: Path) -> None:
    assert session(watch, LOG, f"before-mlflow-end:1:{tmp_path / 'marker'}") == -signal.SIGKILL
    assert watch.runs()[0].info.status == "RUNNING"
    assert not watch.open().logged(0)
    assert session(watch, LOG) == 0
    assert watch.runs()[0].info.status == "FINISHED"
    assert watch.steps(0, "loss") == [1, 2, 3, 4, 5]
    assert watch.steps(0, "test_acc") == [5]


def test_a_server_that_is_away_stops_nothing(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    watch = Watch(f"http://user:secret@127.0.0.1:{port}", "away", tmp_path)
    start = time.monotonic()
    tracker = watch.open()
    for number in range(20):
        tracker.trial_started(trial(number), resumed=False)
        tracker.trial_reported(trial(number), Key(number), rows(1, 2))
        tracker.trial_ended(trial(number, "COMPLETE"), {Key(number): rows(1, 2)}, {})
        assert not tracker.logged(number)
    tracker.summarise("FINISHED", answer(trial(0, "COMPLETE", acc=0.5)))
    tracker.close()
    assert time.monotonic() - start < 5
    assert len(watch.warnings) == 1
    assert "secret" not in watch.warnings[0]
    assert str(port) in watch.warnings[0]


@contextmanager
def locked(uri: str) -> Iterator[None]:
    with closing(sqlite3.connect(uri.removeprefix("sqlite:///"), isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")


def test_what_a_locked_database_kept_back_is_sent_at_the_end(watch: Watch) -> None:
    tracker = watch.open()
    tracker.trial_started(trial(0), resumed=False)
    with locked(watch.uri):
        start = time.monotonic()
        for number in (0, 1, 2):
            tracker.trial_started(trial(number), resumed=False)
            tracker.trial_reported(trial(number), Key(number), rows(1, 2))
            tracker.trial_ended(trial(number, "COMPLETE"), {Key(number): rows(1, 3)}, {})
        assert time.monotonic() - start < 4
        assert not tracker.logged(0)
    assert len(watch.warnings) == 1
    tracker.close()
    assert [tracker.logged(number) for number in (0, 1, 2)] == [True] * 3
    assert [watch.steps(number, "loss") for number in (0, 1, 2)] == [[1, 2, 3]] * 3
    assert {run.info.status for run in watch.runs().values()} == {"FINISHED"}


def test_a_study_that_starts_while_the_database_is_locked_finds_its_runs_later(watch: Watch) -> None:
    before = watch.open()
    before.trial_ended(trial(0, "COMPLETE"), {Key(0): rows(1, 2)}, {})
    before.trial_started(trial(1), resumed=False)
    with locked(watch.uri):
        tracker = watch.open()
        for number in (0, 1):
            tracker.trial_started(trial(number), resumed=True)
            tracker.trial_ended(trial(number, "COMPLETE"), {Key(number): rows(1, 3)}, {})
    watch.now = 31
    tracker.trial_started(trial(2), resumed=False)
    assert tracker.logged(0)
    assert tracker.logged(1)
    assert set(watch.runs()) == {0, 1, 2}
    assert watch.steps(0, "loss") == [1, 2], "a run that is closed is left as it is"
    assert len(watch.warnings) == 1


@pytest.mark.slow
def test_studies_that_start_together_make_one_database(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path / 'new' / 'mlflow.db'}"
    script = (
        "import sys; from pathlib import Path; from sparsetune.tracking.mlflow import MlflowTracker\n"
        "tags = {'sparsetune.study_id': sys.argv[2]}\n"
        "MlflowTracker(sys.argv[1], sys.argv[2], Path(sys.argv[3]), study='s', tags=tags, warn=sys.exit)\n"
    )
    arguments = [[sys.executable, "-c", script, uri, name, str(tmp_path)] for name in ("a", "b")]
    processes = [subprocess.Popen(line, stderr=subprocess.PIPE) for line in arguments]
    assert [process.communicate()[1] for process in processes] == [b"", b""]
    assert [process.returncode for process in processes] == [0, 0]
    names = {experiment.name for experiment in MlflowClient(uri).search_experiments()}
    assert {"a", "b"} <= names
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["mlflow.db"]

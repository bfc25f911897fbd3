"""What MLflow never takes: runs are closed without it and say so, their folders stay, and a restart adds nothing."""

from __future__ import annotations

import json
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from mlflow import MlflowClient
from test_mlflow_runs import begun, curves, forked
from tracked import Watch, answer, rows, trial

from sparsetune.base.messages import Key, Row, Trial
from sparsetune.tracking.limits import clean
from sparsetune.tracking.mlflow import MlflowTracker
from sparsetune.tracking.shelf import Shelf

ODD = ("fc(1)", "a@b", "x,y", "p//q", "l" * 260, "/lead", "..", "fc{1}")


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    folder = tmp_path / "00000"
    folder.mkdir()
    (folder / "a.txt").write_text("a")
    return {"a.txt": folder / "a.txt"}


def placed(watch: Watch, place: str) -> Watch:
    """The same, with an experiment whose files go to another place."""
    MlflowClient(watch.uri).create_experiment(watch.experiment, place)
    return watch


def ended(tracker: MlflowTracker, number: int, files: dict[str, Path]) -> None:
    tracker.trial_ended(trial(number, "COMPLETE", acc=0.5), {Key(number): rows(1, 3)}, {Key(number): files})


def test_odd_names_arrive_cleaned_and_alike(watch: Watch) -> None:
    metrics = {name: float(index) for index, name in enumerate(ODD)}
    whole = Trial(
        0, "COMPLETE", dict.fromkeys(ODD, 1), {"method": {"odd (name)": 2}}, metrics, started_ms=1, ended_ms=9
    )
    tracker = watch.open()
    tracker.trial_ended(whole, {Key(0): (Row(1, 5, metrics), Row(2, 6, {**metrics, "fc(1)": 7.0}))}, {})
    run = watch.runs()[0]
    assert (tracker.logged(0), run.info.status, watch.warnings) == (True, "FINISHED", [])
    assert run.data.metrics == {clean(name): value for name, value in metrics.items()}
    assert set(run.data.params) == {"trial", *map(clean, ODD), clean("method.odd (name)")}
    assert watch.steps(0, clean("fc(1)")) == [1, 2, 3]
    again = watch.open()
    again.trial_ended(replace(whole, state="FAIL"), {Key(0): (Row(1, 5, metrics),)}, {})
    assert watch.steps(0, clean("fc(1)")) == [1, 2, 3], "known again by the same names"
    assert watch.warnings == []


def test_long_words_and_numbers_that_are_none(watch: Watch) -> None:
    odd = {"nan": float("nan"), "inf": float("inf"), "less": float("-inf"), "huge": 1e308}
    config = {"long": "ä" * 7000, "nul": "a\0b", "half": "\ud800", "none": None}
    notes = {"odd note (x)": "y" * 9000}
    whole = Trial(0, "FAIL", {}, config, odd, (), "because " * 2000, 1_000, 9_000, notes=notes)
    tracker = watch.open()
    tracker.trial_ended(whole, {Key(0): (Row(1, 5, odd),)}, {})
    run = watch.runs()[0]
    assert (tracker.logged(0), watch.warnings) == (True, [])
    assert set(run.data.metrics) == set(odd)
    assert {name: len(value) for name, value in run.data.params.items()} == {
        "trial": 1,
        "long": 6000,
        "nul": 6,
        "half": 6,
        "none": 4,
    }
    assert len(run.data.tags["sparsetune.reason"]) == 5000


def test_a_data_set_that_it_does_not_take(watch: Watch) -> None:
    """MLflow's digests have 36 letters at most."""
    tracker = watch.open()
    tracker.trial_ended(replace(trial(0, "COMPLETE"), notes={"split": "x" * 100}), {Key(0): rows(1, 2)}, {})
    tracker.close()
    run = watch.runs()[0]
    assert (tracker.logged(0), run.info.status) == (True, "FINISHED")
    assert run.data.tags["sparsetune.refused"].startswith("data set: ")
    assert len(watch.warnings) == 1
    assert "it does not take data set of trial 0" in watch.warnings[0]


def test_a_parameter_and_a_data_set_of_one_run(watch: Watch) -> None:
    tracker = watch.open()
    watch.begin(tracker, 0)
    tracker.trial_reported(trial(0, "RUNNING"), Key(0), rows(1, 2))
    tracker.close()
    MlflowClient(watch.uri).log_param(watch.runs()[0].info.run_id, "later", "by hand")
    odd = replace(trial(0, "COMPLETE"), config={"later": 2}, notes={"split": "x" * 100})
    tracker.trial_ended(odd, {Key(0): rows(1, 2)}, {})
    tracker.close()
    run = watch.runs()[0]
    assert run.info.status == "FINISHED"
    refused = run.data.tags["sparsetune.refused"]
    assert refused.startswith("parameter 'later': ")
    assert "; data set: " in refused
    assert len(watch.warnings) == 1


def test_a_place_that_takes_no_files(watch: Watch, files: dict[str, Path], tmp_path: Path) -> None:
    placed(watch, f"{files['a.txt']}/below/a/file")
    tracker = watch.open()
    for number in (0, 1):
        watch.begin(tracker, number)
        ended(tracker, number, files)
        assert (tracker.logged(number), tracker.refused(number)) == (False, True)
    both = answer(*(trial(number, "COMPLETE", acc=0.5) for number in (0, 1)))
    tracker.summarise("FINISHED", both, files)
    assert tracker.summary_stays
    tracker.close()
    assert [line.partition("(")[0] for line in watch.warnings] == [
        f"MLflow at {watch.uri}: it takes no files from here "
    ]
    assert str(tmp_path / "00000") in watch.warnings[0]
    for run in watch.all_runs():
        assert run.info.status == "FINISHED"
        assert run.data.tags["sparsetune.files_at"] == str(tmp_path / "00000")
        assert "NotADirectoryError" in run.data.tags["sparsetune.files_refused"]
    assert watch.steps(0, "loss") == [1, 2, 3]

    for _ in range(2):
        later = watch.open()
        assert (later.logged(0), later.refused(0)) == (False, True)
        later.trial_started(trial(0, "COMPLETE"), resumed=True)
        ended(later, 0, files)
        later.summarise("FINISHED", both, files)
        later.close()
    assert len(watch.warnings) == 1, "it is not tried again"
    assert watch.steps(0, "loss") == [1, 2, 3]
    assert watch.parent().data.tags["sparsetune.trials_complete"] == "2"
    assert watch.parent().info.status == "FINISHED"


@pytest.mark.parametrize("place", ["s3://bucket/x", "gs://bucket/x", "nope://x/y", "sftp://host/x"])
def test_places_for_which_a_package_is_missing(watch: Watch, files: dict[str, Path], place: str) -> None:
    placed(watch, place)
    tracker = watch.open()
    ended(tracker, 0, files)
    tracker.close()
    assert (tracker.refused(0), watch.runs()[0].info.status) == (True, "FINISHED")
    assert len(watch.warnings) == 1
    assert place in watch.warnings[0]


def test_all_runs_of_a_trial_fare_alike(watch: Watch, files: dict[str, Path]) -> None:
    placed(watch, "s3://bucket/x")
    whole = forked()
    tracker = watch.open()
    tracker.trial_started(begun(whole), resumed=False)
    tracker.trial_ended(whole, curves(whole), {run.key: files for run in whole.runs})
    assert tracker.refused(7)
    assert {run.info.status for run in watch.places().values()} == {"FINISHED"}
    again = watch.open()
    assert (again.logged(7), again.refused(7)) == (False, True)


def test_what_a_run_s_folder_is_called_can_be_said(watch: Watch, files: dict[str, Path], tmp_path: Path) -> None:
    placed(watch, "s3://bucket/x")
    ended(watch.open(left_at=lambda files: tmp_path / "out"), 0, files)
    assert watch.runs()[0].data.tags["sparsetune.files_at"] == str(tmp_path / "out")


def test_files_that_may_be_taken_later_are_tried_at_the_next_start(
    watch: Watch, files: dict[str, Path], tmp_path: Path
) -> None:
    """The run is closed meanwhile. The place is an FTP server that is down; later there is one."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        placed(watch, f"ftp://user:secret@127.0.0.1:{free.getsockname()[1]}/x")
    tracker = watch.open()
    for number in (0, 1):
        ended(tracker, number, files)
    assert (tracker.logged(0), tracker.refused(0)) == (False, False)
    tracker.close()
    assert [run.info.status for run in watch.runs().values()] == ["FINISHED"] * 2
    assert "sparsetune.files_refused" not in watch.runs()[0].data.tags
    assert len(watch.warnings) == 1
    assert "will be sent later" in watch.warnings[0]
    assert "secret" not in watch.warnings[0]
    assert not watch.open().logged(0)

    moved = tmp_path / "there"
    run = watch.runs()[0].info.run_id
    _move(watch, run, moved)
    again = watch.open()
    again.trial_started(trial(0, "COMPLETE"), resumed=True)
    ended(again, 0, files)
    assert again.logged(0)
    assert (moved / "a.txt").read_text() == "a"
    assert "sparsetune.files_at" not in watch.runs()[0].data.tags
    assert watch.steps(0, "loss") == [1, 2, 3]
    assert watch.open().logged(0)


def _move(watch: Watch, run: str, place: Path) -> None:
    with closing(sqlite3.connect(watch.uri.removeprefix("sqlite:///"))) as connection:
        connection.execute("UPDATE runs SET artifact_uri = ? WHERE run_uuid = ?", (str(place), run))
        connection.commit()


def test_a_run_that_was_deleted_meanwhile_is_left_alone(watch: Watch, files: dict[str, Path]) -> None:
    tracker = watch.open()
    watch.begin(tracker, 0)
    MlflowClient(watch.uri).delete_run(watch.runs()[0].info.run_id)
    ended(tracker, 0, files)
    assert tracker.logged(0)
    assert watch.warnings == []
    assert watch.runs() == {}


class Blind(BaseHTTPRequestHandler):
    """A tracking server that sees some files of a run."""

    seen: tuple[str, ...] = ()

    def do_GET(self) -> None:
        body = json.dumps({"files": [{"path": name} for name in self.seen]}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None: ...


@contextmanager
def server(*seen: str) -> Iterator[str]:
    handler = type("Sees", (Blind,), {"seen": seen})
    with HTTPServer(("127.0.0.1", 0), handler) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


def test_a_folder_on_the_server_s_own_disk(files: dict[str, Path], tmp_path: Path) -> None:
    """Made here in vain, it is removed again; what was there before stays."""
    (tmp_path / "srv").mkdir()
    for place in (tmp_path / "srv" / "new" / "1" / "run", tmp_path / "srv" / "run"):
        with server() as uri:
            kept = Shelf(uri, lambda: 0.0).put("run", str(place), files)
        assert kept is not None
        assert kept.forever
        assert "the server's own disk" in kept.reason
        assert [path.name for path in (tmp_path / "srv").iterdir()] == []


def test_a_folder_that_is_shared_with_the_server(files: dict[str, Path], tmp_path: Path) -> None:
    with server("a.txt") as uri:
        assert Shelf(uri, lambda: 0.0).put("run", str(tmp_path / "srv" / "run"), files) is None
    assert (tmp_path / "srv" / "run" / "a.txt").read_text() == "a"


@pytest.mark.parametrize("place", ["mlruns/1/run", "C:\\mlruns\\1\\run"])
def test_a_path_that_is_none_here(files: dict[str, Path], tmp_path: Path, place: str) -> None:
    kept = Shelf("http://127.0.0.1:1", lambda: 0.0).put("run", place, files)
    assert kept is not None
    assert kept.forever
    assert not (Path.cwd() / place).exists()

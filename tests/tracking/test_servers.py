"""Real MLflow servers whose places for files this machine cannot use."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.servers import mlflow_server
from tracked import Watch, answer, rows, trial

from sparsetune.base.messages import Key, Row, Trial
from sparsetune.tracking.limits import clean

pytestmark = pytest.mark.slow


def session(watch: Watch, file: Path, number: int) -> None:
    tracker = watch.open()
    ended = trial(number, "COMPLETE")
    tracker.trial_ended(ended, {Key(number): rows(1, 3)}, {Key(number): {"a.txt": file}})
    tracker.summarise("FINISHED", answer(ended), {"a.txt": file})
    tracker.close()


@pytest.mark.parametrize(
    ("options", "forever"),
    [
        (("--no-serve-artifacts", "--default-artifact-root", "s3://bucket/x"), True),
        (("--no-serve-artifacts", "--default-artifact-root", "/proc/nowhere"), True),
        (("--artifacts-destination", "/proc/nowhere"), False),
        (("--artifacts-destination", "s3://bucket/x"), False),
    ],
)
def test_runs_are_closed_without_their_files(tmp_path: Path, options: tuple[str, ...], forever: bool) -> None:
    """A server that answers with a fault of its own may take them once it is mended."""
    file = tmp_path / "a.txt"
    file.touch()
    with mlflow_server(tmp_path / "server", *options) as uri:
        watch = Watch(uri, "s", tmp_path)
        for _ in range(2):
            session(watch, file, 0)
        (run, parent) = watch.runs()[0], watch.parent()
        for each in (run, parent):
            assert each.info.status == "FINISHED"
            assert each.data.tags["sparsetune.files_at"] == str(tmp_path)
            assert ("sparsetune.files_refused" in each.data.tags) == forever
        assert watch.steps(0, "loss") == [1, 2, 3]
        assert parent.data.tags["sparsetune.trials_complete"] == "1"
        assert len(watch.warnings) == (1 if forever else 2)
        assert watch.open().refused(0) == forever


def test_what_a_server_checks(tmp_path: Path) -> None:
    """Names, the size of a request, and numbers that are none."""
    metrics = {"fc(1)": 1.0, "nan": float("nan"), "inf": float("inf")}
    config = {f"p{index}": "ä" * 7000 for index in range(150)}
    whole = Trial(0, "COMPLETE", {}, config, metrics, started_ms=1, ended_ms=9)
    curve = tuple(Row(epoch, epoch, {f"層{index} " * 30: 1.0 for index in range(9)}) for epoch in range(1, 300))
    files = dict.fromkeys(("50% #1 {a}.txt", "sub/ä b.txt"), tmp_path / "a.txt")
    (tmp_path / "a.txt").write_text("a")
    with mlflow_server(tmp_path / "server", "--artifacts-destination", str(tmp_path / "server" / "files")) as uri:
        watch = Watch(uri, "50% #1 {a}? 'x'", tmp_path)
        tracker = watch.open()
        tracker.trial_ended(whole, {Key(0): curve}, {Key(0): files})
        assert (tracker.logged(0), watch.warnings) == (True, [])
        run = watch.runs()[0]
        assert set(run.data.params) == {"trial", *config}
        assert set(run.data.metrics) >= {clean(name) for name in metrics}
        assert watch.steps(0, clean("層3 " * 30)) == list(range(1, 300))

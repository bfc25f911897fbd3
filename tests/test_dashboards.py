"""optuna-dashboard and MLflow's UI open what a study left."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sparsetune.config.paths import Project
from sparsetune.testing.studies import finish, write_study


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("left")
    finish(write_study(root), "--in-process")
    return Project(root)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def serving(*line: str, cwd: Path) -> Iterator[None]:
    """A server for the time of the block; it has to end on Ctrl-C."""
    server = subprocess.Popen(line, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)


def answer(url: str, body: dict[str, Any] | None = None) -> Any:
    """The JSON document behind a URL, once the server is up."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    end = time.monotonic() + 120
    while True:
        try:
            with urllib.request.urlopen(request, timeout=10) as found:
                return json.load(found)
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > end:
                raise
            time.sleep(0.2)  # the server starts


@pytest.mark.slow
def test_optuna_dashboard_shows_the_study(left: Project) -> None:
    port = free_port()
    program = str(Path(sys.executable).with_name("optuna-dashboard"))
    with serving(program, left.storage_url, "--host", "127.0.0.1", "--port", str(port), cwd=left.root):
        (study,) = answer(f"http://127.0.0.1:{port}/api/studies")["study_summaries"]
        assert study["study_name"] == "small"
        detail = answer(f"http://127.0.0.1:{port}/api/studies/{study['study_id']}")
    assert [trial["state"] for trial in detail["trials"]] == ["Complete"] * 5
    assert detail["objective_names"] == ["val_accuracy", "compute_saved"]


def test_mlflow_ui_shows_the_study(left: Project) -> None:
    port = free_port()
    with serving(sys.executable, "-m", "sparsetune", "ui", "small", "--port", str(port), cwd=left.root):
        url = f"http://127.0.0.1:{port}/api/2.0/mlflow"
        found = answer(f"{url}/experiments/get-by-name?experiment_name=small")["experiment"]
        runs = answer(f"{url}/runs/search", {"experiment_ids": [found["experiment_id"]]})["runs"]
    assert len(runs) == 6
    assert {run["info"]["status"] for run in runs} == {"FINISHED"}

"""MLflow's own pages."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from mlflow import MlflowClient

from sparsetune.base.errors import BadInput
from sparsetune.tracking.ui import open_ui, page


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_the_link_of_an_experiment(uri: str) -> None:
    number = MlflowClient(uri).get_experiment_by_name("first").experiment_id
    assert (
        page(uri, 5000, "first") == f"http://127.0.0.1:5000/#/experiments/{number}/runs?workflowType=machine_learning"
    )
    assert page(uri, 5000, None) == "http://127.0.0.1:5000/#/experiments"
    assert page("https://me:secret@host/x/", 5000, None) == "https://host/x/#/experiments"


def test_what_cannot_be_shown_is_refused(uri: str, tmp_path: Path, port: int) -> None:
    with pytest.raises(BadInput, match="run a study first") as missing:
        open_ui(f"sqlite:///{tmp_path / 'none.db'}", port, experiment=None, say=pytest.fail)
    assert (missing.value.source, missing.value.code) == (str(tmp_path / "none.db"), "missing")
    assert not (tmp_path / "none.db").exists()
    with pytest.raises(BadInput, match="no experiment 'nothing'") as unnamed:
        open_ui(uri, port, experiment="nothing", say=pytest.fail)
    assert unnamed.value.code == "missing"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with pytest.raises(BadInput, match=f"port {port} cannot be used") as in_use:
            open_ui(uri, port, experiment=None, say=pytest.fail)
    assert (in_use.value.key, in_use.value.code) == ("--port", "unavailable")


def test_of_a_tracking_server_the_link_is_said(port: int) -> None:
    said: list[str] = []
    open_ui("https://me:secret@host/x/", port, experiment=None, say=said.append)
    assert said == ["the tracking server shows its own pages: https://host/x/#/experiments"]


@pytest.mark.slow
def test_the_pages_are_served_on_this_machine_only_and_end_with_the_command(uri: str, port: int) -> None:
    script = (
        "import sys; from sparsetune.tracking.ui import open_ui\n"
        "open_ui(sys.argv[1], int(sys.argv[2]), experiment='first', say=print)\n"
    )
    line = [sys.executable, "-c", script, uri, str(port)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        assert re.match(rf"http://127.0.0.1:{port}/#/experiments/\d+/runs", server.stdout.readline())
        try:
            assert _get(port, 120) == 200
            sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
            listening = {local for _, local, _, state, *_ in sockets if state == "0A"}
            assert {local for local in listening if local.endswith(f":{port:04X}")} == {f"0100007F:{port:04X}"}
        finally:
            os.kill(server.pid, signal.SIGINT)
            server.wait(30)
    assert _get(port, 0) is None


def _get(port: int, seconds: float) -> int | None:
    end = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                return int(answer.status)
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > end:
                return None
            time.sleep(0.2)

"""A password goes to the server that it is for and nowhere else; a proxy that is in the way is named."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from tracked import TAGS, trial

from sparsetune.base.errors import BadInput
from sparsetune.base.variables import from_environment
from sparsetune.doctor.stores import mlflow_store
from sparsetune.tracking.client import connected, find_experiment
from sparsetune.tracking.mlflow import MlflowTracker
from sparsetune.tracking.store import store_to_read

PASSWORD = "p@ss/w:rd?#[x]%"


class Refusing(BaseHTTPRequestHandler):
    """Notes what it is asked, and has nothing."""

    heard: list[tuple[str, str]] = []

    def do_GET(self) -> None:
        self.heard.append((self.path, self.headers.get("Authorization", "")))
        body = b'{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "none"}'
        self.send_response(404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def dead() -> int:
    """A port at which nobody is."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("PW", PASSWORD)


def warning(uri: str, folder: Path) -> str:
    """What a study says of a server that does not take its first trial."""
    said: list[str] = []
    tracker = MlflowTracker(uri, "some", folder, study="some", tags=TAGS, warn=said.append)
    tracker.trial_started(trial(0), resumed=False)
    tracker.close()
    (line,) = said
    assert PASSWORD not in line
    return line


def test_it_arrives_as_it_is() -> None:
    Refusing.heard.clear()
    with serving() as port:
        client = connected(from_environment(f"http://me:${{PW}}@127.0.0.1:{port}", "", ""))
        assert client.get_experiment_by_name("some") is None
    ((path, sent),) = Refusing.heard
    assert base64.b64decode(sent.removeprefix("Basic ")).decode() == f"me:{PASSWORD}"
    assert path.startswith("/api/2.0/mlflow/experiments/get-by-name")


def test_nothing_of_it_is_said_of_a_server_that_is_away(dead: int, tmp_path: Path) -> None:
    uri = from_environment(f"http://me:${{PW}}@127.0.0.1:{dead}", "", "")
    line = warning(uri, tmp_path)
    assert line.startswith(f"MLflow at http://127.0.0.1:{dead}: ")
    assert line.endswith("no answer (Connection refused)")
    with pytest.raises(BadInput) as caught, store_to_read(uri):
        find_experiment(uri, "some")
    assert caught.value.source == f"MLflow at http://127.0.0.1:{dead}"
    assert caught.value.problem == "cannot be read: no answer (Connection refused)"
    assert caught.value.code == "unavailable"


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy"])
def test_a_dead_proxy_is_named(name: str, dead: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as port:
        uri = f"http://127.0.0.1:{port}"
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        (well,) = mlflow_store(None)
        monkeypatch.setenv(name, f"http://you:tops3cret@127.0.0.1:{dead}")
        line = warning(uri, tmp_path)
        (finding,) = mlflow_store(None)
        monkeypatch.setenv("no_proxy", "127.0.0.0/8")
        (without,) = mlflow_store(None)
    there = f" through the proxy http://you:***@127.0.0.1:{dead} ({name})"
    assert line.endswith(f"no answer (Connection refused){there}")
    assert (finding.state, finding.found) == ("problem", f"{uri}: no answer (Connection refused){there}")
    assert "no_proxy" in finding.mend
    assert well == without
    assert well.state == "ok"


def test_a_proxy_that_does_not_reach_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Refusing, "do_GET", lambda self: self.send_error(502))
    with serving() as port:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:${PW}@host.example")
        (finding,) = mlflow_store(None)
    expected = f"http://host.example: 502 Bad Gateway through the proxy http://127.0.0.1:{port} (http_proxy)"
    assert (finding.state, finding.found) == ("problem", expected)


def test_the_doctor_at_a_uri_that_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "foo://me:${PW}@x")
    (finding,) = mlflow_store(None)
    assert finding.state == "problem"
    assert finding.found.startswith("MLFLOW_TRACKING_URI: found 'foo://me:${PW}@x', allowed: a URI")

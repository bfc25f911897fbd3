"""MLflow's own pages on this machine, reachable from this machine only."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import NoReturn

from sparsetune.config.errors import BadInput
from sparsetune.tracking.find import find_experiment
from sparsetune.tracking.store import database, is_remote, shown

HOST = "127.0.0.1"


def open_ui(
    uri: str, port: int, *, experiment: str | None, say: Callable[[str], None], uid: str | None = None
) -> NoReturn:
    """Say the link of a study's experiment (None: of all) and become MLflow's server until it is interrupted.

    ``uid`` tells the study from others of its name, if it is known.

    Raises :class:`BadInput` for a store or an experiment that is not there, a port that is taken, or a tracking server
    that has its own pages.
    """
    uri = absolute(uri)
    path = database(uri)
    if path is not None and not path.exists():
        raise BadInput("nothing is recorded yet: run a study first", source=path)
    link = page(uri, port, experiment, uid)
    if is_remote(uri):
        raise BadInput(f"the tracking server shows its own pages: {link}")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a server that has just ended does not matter
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise BadInput(f"port {port} cannot be used: {error.strerror}; choose another", key="--port") from None
    say(f"{link} (Ctrl-C ends it)")
    sys.stdout.flush()
    if path is not None:
        os.chdir(path.parent)  # MLflow puts files where it starts
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # its server ends at Ctrl-C all the same, and says nothing more
    os.execve(sys.executable, command(port), {**os.environ, **environment(uri)})


def absolute(uri: str) -> str:
    """The URI with the whole path of an SQLite file: the server starts in another folder."""
    path = database(uri)
    return uri if path is None else f"sqlite:///{path.absolute()}{''.join(uri.partition('?')[1:])}"


def page(uri: str, port: int, experiment: str | None, uid: str | None = None) -> str:
    """The address of an experiment's runs, or of the list of experiments."""
    base = shown(uri).rstrip("/") if is_remote(uri) else f"http://{HOST}:{port}"
    if experiment is None:
        return f"{base}/#/experiments"
    found = find_experiment(uri, experiment, uid)
    if found is None:
        raise BadInput(f"no experiment {experiment!r} in MLflow at {shown(uri)}")
    return f"{base}/#/experiments/{found.experiment_id}/runs?workflowType=machine_learning"  # else among GenAI's tabs


def command(port: int) -> list[str]:
    return [sys.executable, "-m", "mlflow", "ui", "--host", HOST, "--port", str(port), "--workers", "1"]


def environment(uri: str) -> dict[str, str]:
    """Variables for the server; the URI is among them because a command line shows passwords to every user."""
    return {
        "MLFLOW_BACKEND_STORE_URI": uri,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "PYTHONWARNINGS": "ignore",  # MLflow's own deprecations
        "MLFLOW_DISABLE_TELEMETRY": os.environ.get("MLFLOW_DISABLE_TELEMETRY", "true"),
    }

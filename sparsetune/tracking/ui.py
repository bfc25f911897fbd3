"""MLflow's own pages on this machine, reachable from this machine only."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sparsetune.base.errors import BadInput
from sparsetune.base.stores.sqlite import for_mlflow, reading, sqlite_path, sqlite_url
from sparsetune.base.stores.tracking_uri import is_database
from sparsetune.tracking.client import connected, find_experiment
from sparsetune.tracking.library import ODD_PATH, plain_path
from sparsetune.tracking.page_state import KEY, address
from sparsetune.tracking.store import store_to_read
from sparsetune.tracking.tables import Home, bring_home, strays
from sparsetune.tracking.trouble import reason_of, shown

HOST = "127.0.0.1"


def open_ui(
    uri: str,
    port: int,
    *,
    experiment: str | None,
    say: Callable[[str], None],
    uid: str | None = None,
    home: Home | None = None,
    prepare: Callable[[str], None] | None = None,
) -> None:
    """Say the links of a study's experiment (None: of all) and become MLflow's server until it is interrupted.

    A tracking server has its own pages: of it only the links are said.

    Args:
        uid: tells the study from others of its name, if it is known.
        home: where the files of a project lie that was moved since is put right first.
        prepare: brings the study's page at a URI up to date; whatever it raises, MLflow's plain pages are opened.

    Raises:
        BadInput: a store that is not there or cannot be opened, an experiment that is not there, a port that is taken.
    """
    uri = absolute(uri)
    path = sqlite_path(uri)
    with store_to_read(uri, empty="nothing is recorded yet: run a study first"):
        page(uri, port, experiment, uid)
    if not is_database(uri):
        links = _links(uri, port, experiment, uid, prepared(uri, prepare, say))
        say(f"the tracking server shows its own pages: {links}")
        return
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a server that has just ended does not matter
        try:
            probe.bind((HOST, port))
        except OSError as error:
            problem = f"port {port} cannot be used: {error.strerror}; choose another"
            raise BadInput(problem, key="--port", code="unavailable") from None
    if home is not None:
        uri = up_to_date(uri, home, say)
    say(f"{_links(uri, port, experiment, uid, prepared(uri, prepare, say))} (Ctrl-C ends it)")
    sys.stdout.flush()
    if path is not None:
        os.chdir(path.parent)  # MLflow puts files where it starts
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # its server ends at Ctrl-C all the same, and says nothing more
    os.execve(sys.executable, command(port), {**os.environ, **environment(uri)})


def up_to_date(uri: str, home: Home, say: Callable[[str], None]) -> str:
    """The URI of a store that knows where a project's files lie now: that of a copy if it cannot be written to."""
    if not strays(uri, home):
        return uri
    try:
        bring_home(uri, home, None)
    except Exception:  # SQLAlchemy's, and those of drivers
        copied = Path(tempfile.mkdtemp(prefix="sparsetune-ui-")) / "mlflow.db"
        path = sqlite_path(uri)
        assert path is not None  # strays knows no other
        with reading(path) as original, closing(sqlite3.connect(copied)) as copy:
            original.backup(copy)
        say("the project was moved and cannot be written to: these pages show a copy of its numbers as they are now")
        uri = sqlite_url(copied)
        bring_home(uri, home, None)
    return uri


def absolute(uri: str) -> str:
    """The URI with the whole path of an SQLite file: the server starts in another folder."""
    path = sqlite_path(uri)
    return uri if path is None else f"{sqlite_url(path.absolute())}{''.join(uri.partition('?')[1:])}"


def prepared(uri: str, prepare: Callable[[str], None] | None, say: Callable[[str], None]) -> str:
    """The key of the page that was prepared; empty without one."""
    if prepare is None:
        return ""
    try:
        prepare(uri)
    except Exception as error:  # a store that cannot be written to, a server that is away, a storage that is damaged
        say(f"these are MLflow's plain pages, for the prepared view cannot be made: {reason_of(error, uri)}")
        return ""
    return KEY


def _links(uri: str, port: int, experiment: str | None, uid: str | None, key: str) -> str:
    """The address of the table, and of a prepared page that of its charts on a line of its own."""
    table = page(uri, port, experiment, uid, key)
    return f"{table}\nwith charts: {page(uri, port, experiment, uid, key, charts=True)}" if key else table


def page(
    uri: str, port: int, experiment: str | None, uid: str | None = None, key: str = "", *, charts: bool = False
) -> str:
    """The address of an experiment's runs, as the page of that key shows them, or of the list of experiments."""
    base = shown(uri).rstrip("/") if not is_database(uri) else f"http://{HOST}:{port}"
    if experiment is None:
        if is_database(uri):
            connected(uri)  # or whoever reads the link finds that it cannot be
        return f"{base}/#/experiments"
    its = find_experiment(uri, experiment, uid)
    if its is None:
        raise BadInput(f"no experiment {experiment!r} in MLflow at {shown(uri)}", code="missing")
    return address(base, str(its.experiment_id), key=key, charts=charts)


def command(port: int) -> list[str]:
    return [sys.executable, "-m", "mlflow", "ui", "--host", HOST, "--port", str(port), "--workers", "1"]


def environment(uri: str) -> dict[str, str]:
    """Variables for the server; the URI is among them because a command line shows passwords to every user."""
    return {
        **(plain_path() if ODD_PATH else {}),
        "MLFLOW_BACKEND_STORE_URI": for_mlflow(uri),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "PYTHONWARNINGS": "ignore",  # MLflow's own deprecations
        "PYTHONSAFEPATH": "1",  # a torch.py that lies here is no module of its
        "MLFLOW_DISABLE_TELEMETRY": os.environ.get("MLFLOW_DISABLE_TELEMETRY", "true"),
    }

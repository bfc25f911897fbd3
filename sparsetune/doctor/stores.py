"""Optuna's storage and MLflow's store: are they there, do they open, does their schema fit what is installed? Of a
project that was moved: does MLflow's store know where its files lie, and can they be written there?
"""

from __future__ import annotations

import socket
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from sparsetune.base.errors import BadInput
from sparsetune.base.layout.text import size
from sparsetune.base.paths import Project, why_no_files
from sparsetune.base.stores.proxies import through_proxy
from sparsetune.base.stores.sqlite import reading, sqlite_path
from sparsetune.base.stores.tables import MLFLOW, OPTUNA, Tables, look
from sparsetune.base.stores.tracking_uri import is_database, tracking_uri
from sparsetune.doctor.finding import Finding
from sparsetune.search.lock import others
from sparsetune.tracking.tables import Home, path_of, strays
from sparsetune.tracking.trouble import reason_of, shown

SECONDS = 3.0  # to wait for a server
_PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}
_OF_PROXIES = (407, 502, 503, 504)  # what a proxy answers for a server that it does not reach, or is not asked rightly
_QUERY = "SELECT name, artifact_location FROM experiments WHERE lifecycle_stage = 'active'"


def storage(project: Project | None) -> Iterator[Finding]:
    """Optuna's storage of the project."""
    if project is not None:
        path = sqlite_path(project.storage_url)
        assert path is not None
        yield file_finding(path, "storage", OPTUNA)


def mlflow_store(project: Project | None) -> Iterator[Finding]:
    """Where studies are tracked, unless their file says otherwise."""
    try:
        uri = tracking_uri() or (project.tracking_uri if project else "")
    except BadInput as error:
        yield Finding("problem", "MLflow", str(error), "set it to a store that is there, or unset it")
        return
    path = sqlite_path(uri)
    if path is not None:
        yield file_finding(path, "MLflow", MLFLOW)
        if project is not None and path.exists():
            yield from moved_findings(project, uri, path)
    elif is_database(uri):
        yield database_finding(uri)
    elif uri:
        yield server_finding(uri)


def file_finding(path: Path, what: str, tables: Tables) -> Finding:
    """An SQLite file: how much it holds, and whether the installed package can use it."""
    if not path.exists():
        return Finding("ok", what, f"{path.name}: none yet; the first study makes it")
    content = look(path, tables)
    rows = "".join(f", {table}: {count:,}" for table, count in content.rows.items())
    says = f"{path.name}: {size(path.stat().st_size)}{rows}"
    if content.trouble is not None:
        said = f"{says}, {content.trouble.problem}" if rows else f"{path}: {content.trouble.problem}"
        return Finding("note" if content.trouble.passing else "problem", what, said, content.trouble.mend)
    if not rows:
        return Finding("note", what, f"{path.name} is empty")
    return Finding("ok", what, f"{says}, schema {content.schema}")


def server_finding(uri: str) -> Finding:
    """A tracking server: does it answer?"""
    import requests

    where = shown(uri)
    if not where.startswith("http"):
        return Finding("note", "MLflow", f"{where}: not looked into")
    proxy = through_proxy(uri)
    try:
        answer = requests.get(f"{where.rstrip('/')}/health", timeout=SECONDS, allow_redirects=False)
    except (OSError, ValueError) as error:  # requests' own are of both kinds
        return Finding("problem", "MLflow", f"{where}: {reason_of(error, uri)}", _mend(proxy))
    if proxy and answer.status_code in _OF_PROXIES:
        return Finding("problem", "MLflow", f"{where}: {answer.status_code} {answer.reason}{proxy}", _mend(proxy))
    return Finding("ok", "MLflow", f"{where} answers")  # also where it wants a password, or has no such page


def _mend(proxy: str) -> str:
    first = "start server and proxy, or name the server in no_proxy" if proxy else "start it"
    return f"{first}, or set MLFLOW_TRACKING_URI to one that runs; studies go on without it and send later"


def database_finding(uri: str) -> Finding:
    """A database server: does its port answer?"""
    parts = urlsplit(uri)
    port = parts.port or _PORTS.get(parts.scheme.partition("+")[0])
    if not parts.hostname or port is None:
        return Finding("note", "MLflow", f"{shown(uri)}: not looked into")
    try:
        socket.create_connection((parts.hostname, port), timeout=SECONDS).close()
    except OSError as error:
        return Finding("problem", "MLflow", f"{shown(uri)}: no answer ({error})", "start it, or name another")
    return Finding("ok", "MLflow", f"{shown(uri)} answers")


def moved_findings(project: Project, uri: str, store: Path) -> Iterator[Finding]:
    """What to say of the folders in an SQLite store; nothing where all is well."""
    home = Home.of(project.runs, uri)
    count = strays(uri, home)
    if count:
        former = ", ".join(str(place.parent) for place in home.former.all)
        says = f"{store.name}: {count:,} places of files are where the project lay before: {former}"
        busy = others(project.runs / "locks")
        mend = "wait for what runs here, then: " if busy else ""
        yield Finding("note", "MLflow", says, f"{mend}the next start of a study, or `sparsetune ui`, brings them here")
    with suppress(sqlite3.Error), reading(store) as connection:
        for name, place in connection.execute(_QUERY).fetchall():
            folder = path_of(home.now(place or ""))
            elsewhere = folder is not None and not folder.is_relative_to(project.runs)  # that one is looked at anyway
            if folder and elsewhere and name != "Default" and not _writable(folder):
                says = f"files of experiment {name!r} go to {folder}, where nothing can be written"
                yield Finding("problem", "MLflow", says, "make that folder, or give the study another name")


def _writable(folder: Path) -> bool:
    there = next((each for each in (folder, *folder.parents) if each.exists()), folder)
    return not why_no_files(there)

"""Optuna's storage and MLflow's store: are they there, do they open, does their schema fit what is installed?"""

from __future__ import annotations

import os
import socket
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from sparsetune.config.paths import Project
from sparsetune.config.sqlite import reading, sqlite_path, sqlite_url
from sparsetune.doctor.finding import Finding, State
from sparsetune.doctor.migrations import Migrations, migrations
from sparsetune.doctor.moved import moved_findings
from sparsetune.layout.text import size
from sparsetune.tracking.store import database, is_remote, shown

SECONDS = 3.0  # to wait for a server
_PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}


@dataclass(frozen=True)
class Tables:
    """A database of one of the two packages."""

    what: str
    package: str
    scripts: str  # the folder of its migrations
    counted: tuple[str, ...]  # tables whose rows are worth counting
    upgrade: str  # the command that brings an older file up to date


OPTUNA = Tables(
    "storage", "optuna", "storages/_rdb/alembic/versions", ("studies", "trials"),
    "optuna storage upgrade --storage {}",
)  # fmt: skip
MLFLOW = Tables(
    "MLflow", "mlflow", "store/db_migrations/versions", ("experiments", "runs"),
    "mlflow db upgrade {}",
)  # fmt: skip
_TROUBLES = {  # SQLite's name of an error: what it means, what mends it
    "SQLITE_BUSY": ("locked by another process for longer than a second", "wait for it, or end it"),
    "SQLITE_READONLY_ROLLBACK": ("its writer was killed in the middle of a write", "the next run of a study mends it"),
    "SQLITE_NOTADB": ("not a database", "move it away; a study makes a new one"),
    "SQLITE_CORRUPT": ("damaged", "restore it from a backup, or `sqlite3 FILE .recover`"),
}


def storage(project: Project | None) -> Iterator[Finding]:
    """Optuna's storage of the project."""
    if project is not None:
        path = sqlite_path(project.storage_url)
        assert path is not None
        yield file_finding(path, OPTUNA)


def mlflow_store(project: Project | None) -> Iterator[Finding]:
    """Where studies are tracked, unless their file says otherwise."""
    uri = os.environ.get("MLFLOW_TRACKING_URI") or (project.tracking_uri if project else "")
    path = database(uri)
    if path is not None:
        yield file_finding(path, MLFLOW)
        if project is not None and path.exists():
            yield from moved_findings(project, uri, path)
    elif is_remote(uri):
        yield server_finding(uri)
    elif uri:
        yield database_finding(uri)


def file_finding(path: Path, tables: Tables) -> Finding:
    """An SQLite file: how much it holds, and whether the installed package can use it."""
    if not path.exists():
        return Finding("ok", tables.what, f"{path.name}: none yet; the first study makes it")
    try:
        with reading(path) as connection:
            names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if "alembic_version" not in names:
                mend = "" if not names else "move it away; a study makes a new one"
                found = f"{path.name} is empty" if not names else f"{path.name} is not {tables.package}'s"
                return Finding("note" if not names else "problem", tables.what, found, mend)
            (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            counts = [
                f"{table}: {connection.execute(f'SELECT COUNT(*) FROM {table}').fetchone()[0]:,}"
                for table in tables.counted
            ]
    except sqlite3.Error as error:
        meaning, mend = _TROUBLES.get(error.sqlite_errorname, (str(error), ""))
        state: State = "note" if error.sqlite_errorname in ("SQLITE_BUSY", "SQLITE_READONLY_ROLLBACK") else "problem"
        return Finding(state, tables.what, f"{path}: {meaning}", mend)
    found = f"{path.name}: {size(path.stat().st_size)}, {', '.join(counts)}"
    return schema_finding(tables, found, revision, migrations(tables.package, tables.scripts), sqlite_url(path))


def schema_finding(tables: Tables, found: str, revision: str, known: Migrations, url: str) -> Finding:
    """Whether a file's schema is the installed package's."""
    if revision == known.head or known.head is None:
        return Finding("ok", tables.what, f"{found}, schema {revision}")
    if revision in known.all:
        mend = f"copy the file, then: {tables.upgrade.format(url)}"
        return Finding("problem", tables.what, f"{found}, of an older {tables.package} (schema {revision})", mend)
    mend = f"install the {tables.package} that wrote it"
    return Finding("problem", tables.what, f"{found}, of a newer {tables.package} (schema {revision})", mend)


def server_finding(uri: str) -> Finding:
    """A tracking server: does it answer?"""
    where = shown(uri)
    if not where.startswith("http"):
        return Finding("note", "MLflow", f"{where}: not looked into")
    try:
        urllib.request.urlopen(f"{where.rstrip('/')}/health", timeout=SECONDS).close()
    except urllib.error.HTTPError:
        pass  # it wants a password, or has no such page: it is there
    except (OSError, ValueError) as error:
        mend = "start it, or set MLFLOW_TRACKING_URI to one that runs; studies go on without it and send later"
        return Finding("problem", "MLflow", f"{where}: no answer ({getattr(error, 'reason', error)})", mend)
    return Finding("ok", "MLflow", f"{where} answers")


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

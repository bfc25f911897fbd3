"""Where MLflow is: what a study file, MLFLOW_TRACKING_URI or ``--uri`` may say of it."""

from __future__ import annotations

import os
from importlib.metadata import entry_points
from urllib.parse import unquote, urlsplit

from sparsetune.base.errors import BadInput, shown
from sparsetune.base.secrets import place, user_part, without_password
from sparsetune.base.stores.drivers import missing_driver
from sparsetune.base.stores.sqlite import instead, sqlite_path
from sparsetune.base.variables import from_environment

VARIABLE = "MLFLOW_TRACKING_URI"
_DATABASES = ("postgresql", "mysql", "mssql")
_ALLOWED = ("sqlite:///", "http://", "https://", *_DATABASES, "databricks")
_PLUGINS = "mlflow.tracking_store"  # the entry points of packages that bring a store, by scheme


def tracking_uri(option: str | None = None, *, source: object = "", key: str = "--uri") -> str | None:
    """The URI that is written there, else that of MLFLOW_TRACKING_URI; None where neither says one.

    Raises :class:`BadInput` for one that MLflow cannot serve here, now or later.
    """
    written = option or os.environ.get(VARIABLE)
    if not written:
        return None
    if not option:
        source, key = "", VARIABLE
    uri = from_environment(written, source, key)
    problem = _problem(uri)
    if problem:
        raise BadInput(f"found {shown(without_password(uri))}{problem}", source=source, key=key)
    return uri


def is_database(uri: str) -> bool:
    """Whether MLflow opens a database itself, on this machine or on a server."""
    return uri.partition(":")[0].partition("+")[0] in ("sqlite", *_DATABASES)


def _problem(uri: str) -> str:
    scheme, colon, rest = uri.partition(":")
    kind = scheme.partition("+")[0]
    if sqlite_path(uri) is not None:
        allowed = instead(uri, "mlflow.db")
        return allowed and f", allowed: {allowed}"
    if kind in _DATABASES and rest.startswith("//"):
        return _problem_of_database(uri)
    if scheme in ("http", "https") and rest.startswith("//"):
        return _problem_of_server(uri)
    if (scheme == "databricks" and (not colon or rest.startswith("//"))) or _is_plugin(scheme):
        return ""
    files = scheme == "file" or (not colon and "/" in uri)
    hint = "; `mlflow migrate-filestore` makes a database of a folder of runs" if files else ""
    return f", allowed: a URI that starts with {', '.join(_ALLOWED)}{hint}"


def _problem_of_database(uri: str) -> str:
    if place(uri) is None:
        return ", allowed: a host and the number of its port"
    try:
        missing = missing_driver(uri)
    except ValueError as error:
        return f", which SQLAlchemy cannot read: {error}"
    return f": {missing}" if missing else ""


def _problem_of_server(uri: str) -> str:
    where = place(uri) or ""
    try:
        fit = bool(where) and bool(urlsplit(uri).hostname) and urlsplit(uri).port != 0
    except ValueError:  # a port above 65535
        fit = False
    if not fit:
        return ", allowed: a host and the number of its port, such as http://127.0.0.1:5000"
    if "#" in uri or "?" in uri:
        return ", allowed: the server's address, without what its pages add behind # or ?"
    user = user_part(uri)
    try:
        unquote(uri[slice(*user)] if user else "").encode("latin-1")
    except UnicodeEncodeError:
        return ", allowed in user and password over HTTP: the characters of Latin-1"
    return ""


def _is_plugin(scheme: str) -> bool:
    return any(each.name == scheme for each in entry_points(group=_PLUGINS))

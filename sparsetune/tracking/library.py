"""MLflow, which enters here: its settings, the names of it that we use, and its internals.

Those are what no contract of its names: artifact repositories, requests to its server, migrations.
"""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

# Before mlflow is imported. Its own retries would hold up training for minutes; the outbox has others.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "5")  # seconds
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")

import mlflow
from mlflow import MlflowClient as MlflowClient  # this and others are here for the files beside this one
from mlflow import entities as entities
from mlflow.entities import Experiment as Experiment
from mlflow.entities import LoggedModel as LoggedModel
from mlflow.entities import Run as Run
from mlflow.exceptions import MlflowException as MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository
from mlflow.store.entities import PagedList as PagedList
from mlflow.utils.credentials import get_default_host_creds
from mlflow.utils.rest_utils import http_request

from sparsetune.base.messages import Files
from sparsetune.base.paths import made

if TYPE_CHECKING:
    from alembic.config import Config

VERSION = "3.17"
"""The MLflow for whose internals this was written."""

PACKAGE = Path(mlflow.__file__).parent
MIGRATIONS = PACKAGE / "store" / "db_migrations"


def upload(uri: str, place: str, files: Files) -> None:
    """Copy files to a run's place under their given names, in one call; the client would look up the run first.

    Args:
        uri: MLflow's tracking URI.
        place: the run's artifact URI.
    """
    with tempfile.TemporaryDirectory(prefix="sparsetune-") as folder:
        for name, path in files.items():
            link = Path(folder) / name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path.resolve())
        repository = get_artifact_repository(place, tracking_uri=uri)
        repository.log_artifacts(folder)  # type: ignore[no-untyped-call]


def folder_of(uri: str, place: str) -> Path | None:
    """The folder of an artifact URI that is one of a disk; None for any other."""
    repository = get_artifact_repository(place, tracking_uri=uri)
    return Path(repository.artifact_dir) if isinstance(repository, LocalArtifactRepository) else None


def seen_by_server(uri: str, run_id: str) -> set[str] | None:
    """The files of a run that its tracking server sees, at the top of the run's place; None if it does not say."""
    where = "/api/2.0/mlflow/artifacts/list"
    credentials = get_default_host_creds(uri)  # type: ignore[no-untyped-call]
    answer = http_request(credentials, where, "GET", params={"run_id": run_id})  # type: ignore[no-untyped-call]
    return {each["path"] for each in answer.json().get("files", [])} if answer.status_code == 200 else None


def names_of_files(uri: str, place: str) -> tuple[str, ...]:
    """What a run has left, at the top of its place."""
    repository = get_artifact_repository(place, tracking_uri=uri)
    return tuple(str(file.path) for file in repository.list_artifacts())


def fetch(uri: str, place: str, name: str, folder: Path) -> Path:
    """A file that a run has left at its place: its own path here, else a copy in ``folder``, which is made."""
    repository = get_artifact_repository(place, tracking_uri=uri)
    local = isinstance(repository, LocalArtifactRepository)
    return Path(repository.download_artifacts(name, None if local else str(made(folder))))  # type: ignore[no-untyped-call]


def alembic_config(db_url: str, alembic_dir: str | None = None) -> Config:
    """As MLflow makes it, with all paths escaped."""
    from alembic.config import Config

    folder = alembic_dir or str(MIGRATIONS)
    config = Config(str(Path(folder) / "alembic.ini"))
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.set_main_option("sqlalchemy.url", db_url.replace("%", "%%"))
    return config


def plain_path() -> dict[str, str]:
    """Makes a link to MLflow below a name without per cent sign; returns the variables with which processes take it."""
    folder = Path(tempfile.mkdtemp(prefix="sparsetune-ui-"))
    (folder / PACKAGE.name).symlink_to(PACKAGE)  # alone: PYTHONPATH goes before Python's own modules
    return {"PYTHONPATH": os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))}


if "MLFLOW_LOGGING_LEVEL" not in os.environ:
    logging.getLogger("mlflow").setLevel(logging.CRITICAL)  # it prints a traceback of each error that it raises

ODD_PATH = "%" in mlflow.__file__
"""MLflow would open no database: it hands the folder of its migrations to configparser as it is, where ``%`` begins a
reference. This process is mended in place; its server, which starts processes of its own, by :func:`plain_path`."""
if ODD_PATH:
    from mlflow.store.db import utils

    utils._get_alembic_config = alembic_config

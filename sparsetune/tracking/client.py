"""The way to MLflow, which enters here: its settings, its client, and what is asked of it beyond one call."""

from __future__ import annotations

import json
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

# Before mlflow is imported. Its own retries would hold up training for minutes; the outbox has others.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "5")  # seconds
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")

import mlflow
from mlflow import MlflowClient as MlflowClient  # this and the next are here for the files beside this one, too
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, RunTag, ViewType
from mlflow.entities import Experiment as Experiment
from mlflow.entities import Param as MlflowParam
from mlflow.entities import Run as Run
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository
from mlflow.utils.credentials import get_default_host_creds
from mlflow.utils.rest_utils import http_request

from sparsetune.base.messages import Files
from sparsetune.base.paths import slug
from sparsetune.base.stores.sqlite import for_mlflow
from sparsetune.tracking.batches import Item, Param, Tag, send
from sparsetune.tracking.entry import Point
from sparsetune.tracking.places import TRIAL, Place, place_in
from sparsetune.tracking.store import is_remote

if "MLFLOW_LOGGING_LEVEL" not in os.environ:
    logging.getLogger("mlflow").setLevel(logging.CRITICAL)  # it prints a traceback of each error that it raises

ODD_PATH = "%" in mlflow.__file__  # where MLflow opens no database by itself
if ODD_PATH:
    from sparsetune.tracking import migrations

    migrations.escape()

PAGE = 1000  # runs in one answer


def connected(uri: str) -> MlflowClient:
    """A client for a tracking URI; nothing is asked of it yet."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # MLflow's use of SQLAlchemy, nothing that a user can mend
        return MlflowClient(for_mlflow(uri), registry_uri=for_mlflow(uri))


def experiments(client: MlflowClient, *, deleted: bool = False) -> Iterator[list[Experiment]]:
    """All experiments that there are, or that were deleted, page by page."""
    which, token = ViewType.DELETED_ONLY if deleted else ViewType.ACTIVE_ONLY, None
    while True:
        page = client.search_experiments(which, PAGE, page_token=token)
        yield list(page)
        token = page.token
        if not token:
            return


def first_run(client: MlflowClient, ids: Sequence[str], condition: str) -> Run | None:
    """The oldest run of these experiments that meets a condition, also a deleted one."""
    found = client.search_runs(list(ids), condition, ViewType.ALL, 1, ["attributes.start_time ASC"]) if ids else []
    return next(iter(found), None)


def experiment_of(client: MlflowClient, name: str, condition: str) -> Experiment | None:
    """The experiment that holds a run of which a condition holds, also a deleted one; the one of that name first."""
    named = client.get_experiment_by_name(name)
    if named is not None and first_run(client, [named.experiment_id], condition) is not None:
        return named
    for deleted in (False, True):
        for page in experiments(client, deleted=deleted):
            run = first_run(client, [each.experiment_id for each in page], condition)
            if run is not None:
                return client.get_experiment(run.info.experiment_id)
    return None


def create_experiment(client: MlflowClient, uri: str, name: str, artifacts: Path) -> Experiment:
    """A new experiment with its files below ``artifacts``; the one of that name if another process was faster."""
    location = None if is_remote(uri) else (artifacts.absolute() / slug(name)).as_uri()
    try:
        return client.get_experiment(client.create_experiment(name, location))
    except MlflowException:
        found = client.get_experiment_by_name(name)
        if found is None:
            raise
        return found


def run_at(
    client: MlflowClient, ids: Sequence[str], place: Place, condition: str, *, deleted: bool = True
) -> Run | None:
    """The run at a place, of those of these experiments that meet a condition."""
    found = runs(client, ids, f"tags.`{TRIAL}` = '{place.number}' and {condition}", deleted=deleted)
    return next((run for run in found if place_in(run.data.tags) == place), None)


def runs(client: MlflowClient, ids: Sequence[str], condition: str, *, deleted: bool = True) -> Iterator[Run]:
    """All runs of these experiments that meet a condition, with deleted ones or without."""
    which, token = ViewType.ALL if deleted else ViewType.ACTIVE_ONLY, None
    while True:
        page = client.search_runs(list(ids), condition, which, PAGE, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def log(client: MlflowClient, run_id: str, items: Sequence[Item]) -> dict[str, Exception]:
    """Write all that is not refused, in one transaction where it fits into one call.

    Returns:
        Why something was refused, by its kind and name.
    """

    def write(batch: Sequence[Item]) -> None:
        client.log_batch(
            run_id,
            [Metric(each.key, each.value, each.timestamp_ms, each.step) for each in batch if isinstance(each, Point)],
            [MlflowParam(each.key, each.value) for each in batch if isinstance(each, Param)],
            [RunTag(each.key, each.value) for each in batch if isinstance(each, Tag)],
        )

    return send(items, write)


def log_data(client: MlflowClient, run_id: str, name: str, digest: str, config: Mapping[str, Any]) -> None:
    """Say of a run which data it was trained on; said again it changes nothing.

    Args:
        digest: of the samples and their division.
        config: where and how they were read.
    """
    source = json.dumps(config, sort_keys=True, default=str)
    data = Dataset(name, digest, source_type="sparsetune", source=source)
    client.log_inputs(run_id, [DatasetInput(data, [InputTag("mlflow.data.context", "training")])])


def last_steps(run: Run) -> dict[str, int]:
    """The step of the last value of each metric that a run has."""
    return {metric.key: metric.step for metric in run.data.to_proto().metrics}


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
    """A file that a run has left at its place: its own path on this machine, else a copy in ``folder``."""
    repository = get_artifact_repository(place, tracking_uri=uri)
    local = isinstance(repository, LocalArtifactRepository)
    return Path(repository.download_artifacts(name, None if local else str(folder)))  # type: ignore[no-untyped-call]

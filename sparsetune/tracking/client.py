"""The way to MLflow, which enters here: its settings, its client, and what is asked of it beyond one call."""

from __future__ import annotations

import logging
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

# Before mlflow is imported. Its own retries would hold up training for minutes; the outbox has others.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "5")  # seconds
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Experiment, Metric, Param, Run, RunTag, ViewType
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

from sparsetune.config.messages import Files
from sparsetune.config.paths import slug
from sparsetune.config.sqlite import for_mlflow
from sparsetune.tracking.entry import Point
from sparsetune.tracking.experiment import refuse_deleted
from sparsetune.tracking.places import STUDY_ID, TRIAL, Place, place_in
from sparsetune.tracking.store import is_remote

if "MLFLOW_LOGGING_LEVEL" not in os.environ:
    logging.getLogger("mlflow").setLevel(logging.CRITICAL)  # it prints a traceback of each error that it raises

if "%" in mlflow.__file__:
    from sparsetune.tracking import migrations

    migrations.escape()

PAGE = 1000  # runs in one answer


def connected(uri: str) -> MlflowClient:
    """A client for a tracking URI; nothing is asked of it yet."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # MLflow's use of SQLAlchemy, nothing that a user can mend
        return MlflowClient(for_mlflow(uri), registry_uri=for_mlflow(uri))


def experiment_id(client: MlflowClient, uri: str, name: str, artifacts: Path) -> str:
    """That of the experiment with this name, which is made if there is none, with its files below ``artifacts``.

    Raises :class:`~sparsetune.config.errors.BadInput` for one that was deleted.
    """
    found = client.get_experiment_by_name(name)
    if found is None:
        location = None if is_remote(uri) else (artifacts.absolute() / slug(name)).as_uri()
        try:
            return str(client.create_experiment(name, location))
        except MlflowException:  # another process was faster
            found = client.get_experiment_by_name(name)
            if found is None:
                raise
    refuse_deleted(uri, name, found.experiment_id, found.lifecycle_stage)
    return str(found.experiment_id)


def find_experiment(uri: str, name: str) -> Experiment | None:
    """The experiment of that name, also a deleted one."""
    return connected(uri).get_experiment_by_name(name)


def find_run(uri: str, experiment: str, study_id: str, place: Place) -> Run | None:
    """The run at a place of the study with that identity; None where there is none that was not deleted."""
    client = connected(uri)
    found = client.get_experiment_by_name(experiment)
    if found is None:
        return None
    mine = f"tags.`{STUDY_ID}` = '{study_id}'"
    return run_at(client, found.experiment_id, place, mine, ViewType.ACTIVE_ONLY)


def run_at(
    client: MlflowClient, experiment: str, place: Place, condition: str, which: int = ViewType.ALL
) -> Run | None:
    """The run at a place, of those that meet a condition, deleted ones too unless ``which`` says otherwise."""
    found = runs(client, experiment, f"tags.`{TRIAL}` = '{place.number}' and {condition}", which)
    return next((run for run in found if place_in(run.data.tags) == place), None)


def runs(client: MlflowClient, experiment: str, condition: str, which: int = ViewType.ALL) -> Iterator[Run]:
    """All runs of an experiment that meet a condition, deleted ones too unless ``which`` says otherwise."""
    token = None
    while True:
        page = client.search_runs([experiment], condition, which, PAGE, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def log(
    client: MlflowClient,
    run_id: str,
    points: Sequence[Point],
    params: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
) -> None:
    """Write all of it in one transaction."""
    client.log_batch(
        run_id,
        [Metric(point.key, point.value, point.timestamp_ms, point.step) for point in points],
        [Param(key, value) for key, value in (params or {}).items()],
        [RunTag(key, value) for key, value in (tags or {}).items()],
    )


def last_steps(run: Run) -> dict[str, int]:
    """The step of the last value of each metric that a run has."""
    return {metric.key: metric.step for metric in run.data.to_proto().metrics}


def upload(uri: str, place: str, files: Files) -> None:
    """Copy files to a run's place under their given names, in one call; the client would look up the run first.

    Args:
        uri: MLflow's tracking URI.
        place: the run's artifact URI.
    """
    present = {name: path for name, path in files.items() if path.is_file()}
    if not present:
        return
    with tempfile.TemporaryDirectory(prefix="sparsetune-") as folder:
        for name, path in present.items():
            link = Path(folder) / name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path.resolve())
        repository = get_artifact_repository(place, tracking_uri=uri)
        repository.log_artifacts(folder)  # type: ignore[no-untyped-call]


def names_of_files(uri: str, place: str) -> tuple[str, ...]:
    """What a run has left, at the top of its place."""
    repository = get_artifact_repository(place, tracking_uri=uri)
    return tuple(str(file.path) for file in repository.list_artifacts())


def fetch(uri: str, place: str, name: str, folder: Path) -> Path:
    """A file that a run has left at its place: its own path on this machine, else a copy in ``folder``."""
    repository = get_artifact_repository(place, tracking_uri=uri)
    local = isinstance(repository, LocalArtifactRepository)
    return Path(repository.download_artifacts(name, None if local else str(folder)))  # type: ignore[no-untyped-call]

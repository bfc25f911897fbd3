"""What is asked of MLflow and told it, beyond one call of its client."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from sparsetune.base.paths import slug
from sparsetune.base.stores.sqlite import for_mlflow
from sparsetune.base.stores.tracking_uri import is_database
from sparsetune.tracking.library import Experiment, MlflowClient, MlflowException, PagedList, Run, entities
from sparsetune.tracking.limits import Item, Measurement, Param, send
from sparsetune.tracking.run_keys import STUDY, TRIAL, RunKey, run_key_in, runs_of

PAGE = 1000  # runs in one answer
EntityT = TypeVar("EntityT")


def connected(uri: str) -> MlflowClient:
    """A client for a tracking URI; nothing is asked of it yet."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # MLflow's use of SQLAlchemy, nothing that a user can mend
        return MlflowClient(for_mlflow(uri), registry_uri=for_mlflow(uri))


def pages(search: Callable[[str | None], PagedList[EntityT]]) -> Iterator[list[EntityT]]:
    """All that MLflow has to an answer in pages."""
    token = None
    while True:
        page = search(token)
        yield list(page)
        token = page.token
        if not token:
            return


def experiments(client: MlflowClient, *, deleted: bool = False) -> Iterator[list[Experiment]]:
    """All experiments that there are, or that were deleted, page by page."""
    which = entities.ViewType.DELETED_ONLY if deleted else entities.ViewType.ACTIVE_ONLY
    return pages(lambda token: client.search_experiments(which, PAGE, page_token=token))


def first_run(client: MlflowClient, ids: Sequence[str], condition: str) -> Run | None:
    """The oldest run of these experiments that meets a condition, also a deleted one."""
    oldest = (
        client.search_runs(list(ids), condition, entities.ViewType.ALL, 1, ["attributes.start_time ASC"]) if ids else []
    )
    return next(iter(oldest), None)


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


def find_experiment(uri: str, name: str, uid: str | None = None) -> Experiment | None:
    """A study's experiment for who only reads, whatever it is called now; also a deleted one.

    Args:
        name: of the study.
        uid: what tells it from others of its name, if it is known.
    """
    client = connected(uri)
    quotes = next((quote for quote in "'\"" if quote not in name), None)  # MLflow's filters escape neither
    conditions = [runs_of(uid)] if uid else []
    conditions += [f"tags.`{STUDY}` = {quotes}{name}{quotes}"] if quotes else []
    for condition in conditions:
        experiment = experiment_of(client, name, condition)
        if experiment is not None:
            return experiment
    return client.get_experiment_by_name(name)


def create_experiment(client: MlflowClient, uri: str, name: str, artifacts: Path) -> Experiment:
    """A new experiment with its files below ``artifacts``; the one of that name if another process was faster."""
    location = (artifacts.absolute() / slug(name)).as_uri() if is_database(uri) else None  # else a server decides
    try:
        return client.get_experiment(client.create_experiment(name, location))
    except MlflowException:
        experiment = client.get_experiment_by_name(name)
        if experiment is None:
            raise
        return experiment


def run_at(
    client: MlflowClient, ids: Sequence[str], key: RunKey, condition: str, *, deleted: bool = True
) -> Run | None:
    """The run of that key, of those of these experiments that meet a condition."""
    of_trial = runs(client, ids, f"tags.`{TRIAL}` = '{key.number}' and {condition}", deleted=deleted)
    return next((run for run in of_trial if run_key_in(run.data.tags) == key), None)


def find_run(uri: str, uid: str, key: RunKey) -> Run | None:
    """The run of that key of the study with that identity; None where there is none that was not deleted."""
    client = connected(uri)
    for page in experiments(client):
        run = run_at(client, [each.experiment_id for each in page], key, runs_of(uid), deleted=False)
        if run is not None:
            return run
    return None


def runs(client: MlflowClient, ids: Sequence[str], condition: str, *, deleted: bool = True) -> Iterator[Run]:
    """All runs of these experiments that meet a condition, with deleted ones or without."""
    which = entities.ViewType.ALL if deleted else entities.ViewType.ACTIVE_ONLY
    for page in pages(lambda token: client.search_runs(list(ids), condition, which, PAGE, page_token=token)):
        yield from page


def log(client: MlflowClient, run_id: str, items: Sequence[Item]) -> dict[str, Exception]:
    """Write all that is not refused, in one transaction where it fits into one call.

    Returns:
        Why something was refused, by its kind and name.
    """

    def write(batch: Sequence[Item]) -> None:
        metrics, params, tags = [], [], []
        for item in batch:
            if isinstance(item, Measurement):
                metrics.append(entities.Metric(item.key, item.value, item.timestamp_ms, item.step))
            elif isinstance(item, Param):
                params.append(entities.Param(item.key, item.value))
            else:
                tags.append(entities.RunTag(item.key, item.value))
        client.log_batch(run_id, metrics, params, tags)

    return send(items, write)


def log_data(client: MlflowClient, run_id: str, name: str, digest: str, config: Mapping[str, Any]) -> None:
    """Say of a run which data it was trained on; said again it changes nothing.

    Args:
        digest: of the samples and their division.
        config: where and how they were read.
    """
    source = json.dumps(config, sort_keys=True, default=str)
    data = entities.Dataset(name, digest, source_type="sparsetune", source=source)
    client.log_inputs(run_id, [entities.DatasetInput(data, [entities.InputTag("mlflow.data.context", "training")])])


def last_steps(run: Run) -> dict[str, int]:
    """The step of the last value of each metric that a run has."""
    return {metric.key: metric.step for metric in run.data.to_proto().metrics}

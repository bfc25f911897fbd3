"""A study's experiment and runs in MLflow for who only reads: by their tags, whatever the experiment is called."""

from __future__ import annotations

from sparsetune.tracking.client import Experiment, Run, connected, experiment_of, experiments, run_at
from sparsetune.tracking.places import STUDY, Place, runs_of


def find_experiment(uri: str, name: str, uid: str | None = None) -> Experiment | None:
    """A study's experiment, also a deleted one.

    Args:
        name: of the study.
        uid: what tells it from others of its name, if it is known.
    """
    client = connected(uri)
    quotes = next((quote for quote in "'\"" if quote not in name), None)  # MLflow's filters escape neither
    conditions = [runs_of(uid)] if uid else []
    conditions += [f"tags.`{STUDY}` = {quotes}{name}{quotes}"] if quotes else []
    for condition in conditions:
        found = experiment_of(client, name, condition)
        if found is not None:
            return found
    return client.get_experiment_by_name(name)


def find_run(uri: str, uid: str, place: Place) -> Run | None:
    """The run at a place of the study with that identity; None where there is none that was not deleted."""
    client = connected(uri)
    for page in experiments(client):
        ids = [each.experiment_id for each in page]
        found = run_at(client, ids, place, runs_of(uid), deleted=False)
        if found is not None:
            return found
    return None

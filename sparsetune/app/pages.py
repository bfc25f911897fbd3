"""A study's page in MLflow, prepared from its storage: of one that runs, was killed, or is of an earlier version."""

from __future__ import annotations

from dataclasses import replace

from sparsetune.config.study.front import best_rows
from sparsetune.drive.driver import counts
from sparsetune.search.storage import read_study, stored_importance
from sparsetune.tracking.client import connected, find_experiment, runs
from sparsetune.tracking.present import edition, present
from sparsetune.tracking.run_keys import run_key_in, runs_of
from sparsetune.tracking.subject import Answer, Subject


def prepare_page(uri: str, storage: str, name: str) -> None:
    """Write what runs and page lack, where they do not tell of all trials that have ended.

    Args:
        uri: of MLflow's store or server.
        storage: Optuna's, which has the study.

    Raises:
        BadInput: for a study that the storage does not have; and whatever MLflow raises that cannot be written to.
    """
    stored = read_study(storage, name)
    experiment = find_experiment(uri, name, stored.uid)
    if experiment is None or stored.uid is None:
        return
    rows = tuple(row for row in stored.rows if row.state != "RUNNING")
    answer = Answer(counts(stored.trials), rows, best_rows(rows, [each.goal for each in stored.objectives]))
    if edition(answer).items() <= experiment.tags.items():
        return
    answer = replace(answer, matter=stored_importance(storage, name, stored.objectives[0].goal))
    client, mine = connected(uri), runs_of(stored.uid)
    number = str(experiment.experiment_id)
    parent = next(
        (run for run in runs(client, [number], mine, deleted=False) if run_key_in(run.data.tags) is None), None
    )
    subject = Subject(name, stored.objectives, tuple(stored.constraints))
    present(client, number, parent, mine, subject, answer)

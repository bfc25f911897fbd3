"""What a tracking store knows of a study when a driver opens it: its experiment, its parent run, its trials' runs.

An experiment is found by the runs in it, which are tagged with the study's identity: it may have been renamed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sparsetune.tracking.client import connected, create_experiment, experiment_of, first_run, runs
from sparsetune.tracking.library import Experiment, MlflowClient, Run
from sparsetune.tracking.limits import KEY, fit
from sparsetune.tracking.run_keys import FILES_AT, FILES_REFUSED, ROLE, RUNS, STATE, STUDY, Owner, RunKey, run_key_in
from sparsetune.tracking.store import refuse_deleted
from sparsetune.tracking.tables import Home, Stage, bring_home

STATUS = {"COMPLETE": "FINISHED", "PRUNED": "KILLED", "FAIL": "FAILED"}


@dataclass
class Session:
    """Runs as they were at opening, and what this session has closed.

    Attributes:
        unfinished: runs that lack something.
        closed: runs that have all that they will ever have.
        whole: trials of which all runs were closed at opening.
        bare: trials of which a run is closed without its files.
        remark: what a user should be told of where runs go.
    """

    client: MlflowClient
    experiment_id: str
    parent: str | None = None
    unfinished: dict[RunKey, Run] = field(default_factory=dict)
    closed: set[RunKey] = field(default_factory=set)
    whole: set[int] = field(default_factory=set)
    bare: set[int] = field(default_factory=set)
    remark: str = ""


def open_session(uri: str, experiment: str, artifacts: Path, owner: Owner, home: Home | None = None) -> Session:
    """Find the owner's experiment and runs, or create the experiment and the study's parent run.

    What lies where the project of that ``home`` was before is brought home first.

    Raises:
        BadInput: the experiment was deleted.
    """
    client = connected(uri)
    its = _experiment(client, uri, experiment, artifacts, owner)
    refuse_deleted(uri, Stage(its.experiment_id, its.name, its.lifecycle_stage))
    session = Session(client, str(its.experiment_id))
    if home is not None:
        bring_home(uri, home, session.experiment_id)
    parents = []
    closed: Counter[int] = Counter()
    for run in runs(client, [session.experiment_id], owner.mine):
        key = run_key_in(run.data.tags)
        if key is None:
            parents += [run] if run.data.tags.get(STUDY) == owner.study else []
        elif settled(run) and not wants_files(run):
            session.closed.add(key)
            session.bare |= {key.number} if FILES_REFUSED in run.data.tags else set()
            closed[key.number] += 1
            if closed[key.number] == int(run.data.tags.get(RUNS, 1)):
                session.whole.add(key.number)
        else:
            session.unfinished[key] = run
    if not parents and its.name == owner.with_identity(experiment):
        session.remark = f"{experiment!r} is another study's experiment there: this study's is {its.name!r}"
    if owner.study is not None:
        session.parent = _open_parent(session, owner.study, owner.tags, parents)
    return session


def _experiment(client: MlflowClient, uri: str, name: str, artifacts: Path, owner: Owner) -> Experiment:
    """The one that has the owner's runs; for an owner without any the one of that name, unless it began as that of a
    study of another name."""
    experiment = experiment_of(client, name, owner.mine)
    if experiment is not None:
        return experiment
    named = client.get_experiment_by_name(name)
    if named is not None and owner.study is not None:
        began = first_run(client, [named.experiment_id], owner.of_others)
        if began is not None and began.data.tags.get(STUDY) != owner.study:
            named, name = None, owner.with_identity(name)
    return named or create_experiment(client, uri, name, artifacts)


def _open_parent(session: Session, study: str, tags: Mapping[str, str], parents: list[Run]) -> str:
    client = session.client
    if not parents:
        labels = {**tags, STUDY: study, ROLE: "study"}
        return str(client.create_run(session.experiment_id, tags=labels, run_name=fit(study, KEY)).info.run_id)
    info = parents[0].info
    if info.lifecycle_stage == "deleted":
        client.restore_run(info.run_id)
    client.update_run(info.run_id, status="RUNNING")
    return str(info.run_id)


def settled(run: Run) -> str:
    """Why a run needs no more numbers: the state with which it is closed, or "deleted"; else empty."""
    if run.info.lifecycle_stage == "deleted":
        return "deleted"  # by hand: it is not written again
    return str(run.data.tags.get(STATE, "")) if run.info.status in STATUS.values() else ""


def wants_files(run: Run) -> bool:
    """Whether a closed run's files were not taken, and may be later."""
    tags = run.data.tags
    return FILES_AT in tags and FILES_REFUSED not in tags and run.info.lifecycle_stage != "deleted"

"""What a tracking store knows of a study when a driver opens it: its experiment, its parent run, its trials' runs.

An experiment is found by the runs in it, which are tagged with the study's identity: it may have been renamed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sparsetune.tracking.client import (
    Experiment,
    MlflowClient,
    Run,
    connected,
    create_experiment,
    experiment_of,
    first_run,
    runs,
)
from sparsetune.tracking.experiment import refuse_deleted
from sparsetune.tracking.home import Home, bring_home
from sparsetune.tracking.naming import KEY, fit
from sparsetune.tracking.places import (
    FILES_AT,
    FILES_REFUSED,
    ROLE,
    RUN,
    RUNS,
    STATE,
    STUDY,
    STUDY_ID,
    Place,
    place_in,
    runs_of,
)

STATUS = {"COMPLETE": "FINISHED", "PRUNED": "KILLED", "FAIL": "FAILED"}


@dataclass(frozen=True)
class Owner:
    """Whose runs they are.

    Attributes:
        study: its name, which its experiment had at first; None: single runs, told apart by their own tag.
        tags: of every run that is created; the one of the identity holds no quotes.
    """

    study: str | None
    tags: Mapping[str, str]

    @property
    def mine(self) -> str:
        """A condition on runs."""
        if self.study is None:
            return f"tags.`{RUN}` = '{self.tags[RUN]}'"
        return runs_of(self.tags[STUDY_ID])


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
    unfinished: dict[Place, Run] = field(default_factory=dict)
    closed: set[Place] = field(default_factory=set)
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
    found = _experiment(client, uri, experiment, artifacts, owner)
    refuse_deleted(uri, found.name, found.experiment_id, found.lifecycle_stage)
    session = Session(client, str(found.experiment_id))
    if home is not None:
        bring_home(uri, home, session.experiment_id)
    parents = []
    closed: Counter[int] = Counter()
    for run in runs(client, [session.experiment_id], owner.mine):
        place = place_in(run.data.tags)
        if place is None:
            parents += [run] if run.data.tags.get(STUDY) == owner.study else []
        elif settled(run) and not wants_files(run):
            session.closed.add(place)
            session.bare |= {place.number} if FILES_REFUSED in run.data.tags else set()
            closed[place.number] += 1
            if closed[place.number] == int(run.data.tags.get(RUNS, 1)):
                session.whole.add(place.number)
        else:
            session.unfinished[place] = run
    if not parents and found.name == _with_identity(experiment, owner):
        session.remark = f"{experiment!r} is another study's experiment there: this study's is {found.name!r}"
    if owner.study is not None:
        session.parent = _open_parent(session, owner.study, owner.tags, parents)
    return session


def _experiment(client: MlflowClient, uri: str, name: str, artifacts: Path, owner: Owner) -> Experiment:
    """The one that has the owner's runs; for an owner without any the one of that name, unless it is another's."""
    found = experiment_of(client, name, owner.mine)
    if found is not None:
        return found
    named = client.get_experiment_by_name(name)
    if named is None:
        return create_experiment(client, uri, name, artifacts)
    if not _of_another(client, named, owner):
        return named
    return create_experiment(client, uri, _with_identity(name, owner), artifacts)


def _with_identity(name: str, owner: Owner) -> str:
    return f"{name} {owner.tags[STUDY_ID]}" if owner.study is not None else ""


def _of_another(client: MlflowClient, found: Experiment, owner: Owner) -> bool:
    """Whether an experiment began as that of a study of another name."""
    if owner.study is None:
        return False
    began = first_run(client, [found.experiment_id], f"tags.`{STUDY_ID}` != '{owner.tags[STUDY_ID]}'")
    return began is not None and began.data.tags.get(STUDY) != owner.study


def _open_parent(session: Session, study: str, tags: Mapping[str, str], found: list[Run]) -> str:
    client = session.client
    if not found:
        labels = {**tags, STUDY: study, ROLE: "study"}
        return str(client.create_run(session.experiment_id, tags=labels, run_name=fit(study, KEY)).info.run_id)
    run_id = str(found[0].info.run_id)
    if found[0].info.lifecycle_stage == "deleted":
        client.restore_run(run_id)
    client.update_run(run_id, status="RUNNING")
    return run_id


def settled(run: Run) -> str:
    """Why a run needs no more numbers: the state with which it is closed, or "deleted"; else empty."""
    if run.info.lifecycle_stage == "deleted":
        return "deleted"  # by hand: it is not written again
    return str(run.data.tags.get(STATE, "")) if run.info.status in STATUS.values() else ""


def wants_files(run: Run) -> bool:
    """Whether a closed run's files were not taken, and may be later."""
    tags = run.data.tags
    return FILES_AT in tags and FILES_REFUSED not in tags and run.info.lifecycle_stage != "deleted"

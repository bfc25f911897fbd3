"""A file that a run of a study has left in MLflow: where it lies, or a copy of it where a server has it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sparsetune.config.errors import BadInput
from sparsetune.tracking.client import fetch, find_run, names_of_files
from sparsetune.tracking.home import Home
from sparsetune.tracking.opening import store_to_read
from sparsetune.tracking.places import Place
from sparsetune.tracking.store import shown


@dataclass(frozen=True)
class Left:
    """What was found of a run.

    Attributes:
        names: of all that it has left.
        path: of the file that was asked for; None: the run has left no such file.
    """

    names: tuple[str, ...]
    path: Path | None


def left_by(uri: str, study: str, uid: str, place: Place, name: str, folder: Path, home: Home | None) -> Left:
    """Find a run's file of that name.

    Args:
        uri: of the tracking store, which is only read.
        study: its name, which is that of its experiment.
        uid: tells the study from others of its name.
        folder: where a copy goes if the file does not lie on this machine.
        home: of the project, which may have moved since.

    Raises:
        BadInput: no store, one that cannot be read, or no such run in it.
    """
    with store_to_read(uri):
        run = find_run(uri, study, uid, place)
        lies = "" if run is None else home.now(run.info.artifact_uri) if home else run.info.artifact_uri
        names = names_of_files(uri, lies) if lies else ()
        file = fetch(uri, lies, name, folder) if name in names else None
    if run is None:
        problem = f"has no run of {place.name} of study {study!r}: it was deleted there, or was not sent yet"
        raise BadInput(f"MLflow at {shown(uri)} {problem}")
    return Left(names, file)

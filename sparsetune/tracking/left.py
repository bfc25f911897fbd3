"""A file that a run of a study has left in MLflow: where it lies, or a copy of it where a server has it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sparsetune.base.errors import BadInput
from sparsetune.tracking.client import connected, find_run
from sparsetune.tracking.library import MlflowException, fetch, names_of_files
from sparsetune.tracking.run_keys import FILES_AT, RunKey
from sparsetune.tracking.store import store_to_read
from sparsetune.tracking.tables import Home
from sparsetune.tracking.trouble import shown


@dataclass(frozen=True)
class Left:
    """What there is of a run.

    Attributes:
        names: of all that it has left.
        path: of the file that was asked for; None: the run has left no such file.
    """

    names: tuple[str, ...]
    path: Path | None


def left_by(uri: str, study: str, uid: str, key: RunKey, name: str, folder: Path, home: Home | None = None) -> Left:
    """Find a run's file or folder of that name.

    Args:
        uri: of the tracking store, which is only read.
        study: its name.
        uid: tells the study from others of its name.
        folder: where a copy goes if the file does not lie on this machine.
        home: of the project, which may have moved since.

    Raises:
        BadInput: no store, one that cannot be read, no such run in it, or files that it has not taken and that do not
            lie on this machine either.
    """
    now = home.now if home else str
    with store_to_read(uri):
        run = find_run(uri, uid, key)
        if run is not None and FILES_AT not in run.data.tags:
            lies = now(run.info.artifact_uri)
            names = names_of_files(uri, lies)
            return Left(names, fetch(uri, lies, name, folder) if name in names else None)
    if run is None:
        problem = f"has no run of {key.name} of study {study!r}: it was deleted there, or was not sent yet"
        raise BadInput(f"MLflow at {shown(uri)} {problem}", code="missing")
    place = Path(now(run.data.tags[FILES_AT]))
    if not place.is_dir():
        problem = f"has not taken the files of {key.name}, which were left on {run.data.tags.get('host', 'its driver')}"
        raise BadInput(f"MLflow at {shown(uri)} {problem}", source=place, code="missing")
    return Left(tuple(each.name for each in place.iterdir()), place / name if (place / name).exists() else None)


def left_in(uri: str, run_id: str, folder: Path, home: Home | None = None) -> Path:
    """The folder with all that a run has left, by the identity that MLflow has given it.

    Args:
        folder: where a copy goes if the files do not lie on this machine.

    Raises:
        BadInput: no store, one that cannot be read, or no such run in it.
    """
    now = home.now if home else str
    with store_to_read(uri):
        try:
            run = connected(uri).get_run(run_id)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            raise BadInput(f"MLflow at {shown(uri)} has no run {run_id!r}", key="--run", code="missing") from None
        if FILES_AT in run.data.tags:
            return Path(now(run.data.tags[FILES_AT]))
        return fetch(uri, now(run.info.artifact_uri), "", folder)

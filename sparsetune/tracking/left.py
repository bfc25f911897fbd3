"""A file that a run of a study has left in MLflow: where it lies, or a copy of it where a server has it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sparsetune.config.errors import BadInput
from sparsetune.tracking.client import Run, fetch, names_of_files
from sparsetune.tracking.find import find_run
from sparsetune.tracking.places import FILES_AT, Place
from sparsetune.tracking.store import database, shown


@dataclass(frozen=True)
class Left:
    """What was found of a run.

    Attributes:
        names: of all that it has left.
        path: of the file that was asked for; None: the run has left no such file.
    """

    names: tuple[str, ...]
    path: Path | None


def left_by(uri: str, study: str, uid: str, place: Place, name: str, folder: Path) -> Left:
    """Find a run's file of that name.

    Args:
        uri: of the tracking store, which is only read.
        study: its name.
        uid: tells the study from others of its name.
        folder: where a copy goes if the file does not lie on this machine.

    Raises:
        BadInput: no store, one that cannot be read, no such run in it, or files that it has not taken and that do not
            lie on this machine either.
    """
    path = database(uri)
    if path is not None and not path.exists():
        raise BadInput("nothing is recorded there", source=path)
    try:
        run = find_run(uri, uid, place)
        if run is not None and FILES_AT not in run.data.tags:
            names = names_of_files(uri, run)
            return Left(names, fetch(uri, run, name, folder) if name in names else None)
    except Exception as error:  # MLflow's own, its database's, its server's client's: all mean the same here
        reason = " ".join(str(error).replace(uri, shown(uri)).split())[:300]
        raise BadInput(f"cannot be read: {reason or type(error).__name__}", source=f"MLflow at {shown(uri)}") from None
    if run is None:
        problem = f"has no run of {place.name} of study {study!r}: it was deleted there, or was not sent yet"
        raise BadInput(f"MLflow at {shown(uri)} {problem}")
    return _not_taken(run, f"MLflow at {shown(uri)} has not taken the files of {place.name}", name)


def _not_taken(run: Run, problem: str, name: str) -> Left:
    """What lies where the run says that its files were left."""
    place = Path(run.data.tags[FILES_AT])
    if not place.is_dir():
        host = run.data.tags.get("host", "its driver")
        raise BadInput(f"{problem}, which were left on {host}", source=place)
    path = place / name
    return Left(tuple(each.name for each in place.iterdir()), path if path.is_file() else None)

"""A copy of a project and its original that keep one study in one MLflow: trials of one would pass for the other's."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path

from sparsetune.base.errors import BadInput
from sparsetune.base.stores.former import former_places, same_folder
from sparsetune.base.stores.sqlite import reading, sqlite_path
from sparsetune.config.study.study import Study

_QUERY = """SELECT value_json FROM study_user_attributes NATURAL JOIN studies WHERE study_name = ? AND "key" = 'uid'"""


def refuse_double(study: Study, uri: str) -> None:
    """Raise :class:`BadInput` if the project that this one is a copy of still has the study, and both send it there.

    A store that lies in the project was copied with it. Writes nothing.

    Args:
        uri: MLflow's tracking URI.
    """
    runs, storage, store = study.project.runs, sqlite_path(study.storage), sqlite_path(uri)
    if storage is None or not same_folder(storage.parent, runs):
        return  # both work on the same trials
    if store is not None and same_folder(store.parent, runs):
        return
    former, mine = former_places(runs), _uid(storage, study.name)
    for place in former.noted if former else ():
        if mine and _uid(place / storage.name, study.name) == mine:
            problem = (
                f"this project is a copy of {place.parent}, whose study {study.name!r} is kept in the same MLflow; "
                "give it another name here (--set study=NAME), or a tracking.uri of its own"
            )
            raise BadInput(problem, source=study.source, key="study")


def _uid(storage: Path, study: str) -> str:
    """What tells a study from others of its name; empty where there is none."""
    with suppress(sqlite3.Error), reading(storage) as connection:
        found = connection.execute(_QUERY, (study,)).fetchone()
        return str(found[0]) if found else ""
    return ""

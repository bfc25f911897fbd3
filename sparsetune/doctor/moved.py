"""A project that was moved or copied: does MLflow's store know where its files lie, and can they be written there?"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from sparsetune.base.paths import Project, why_no_files
from sparsetune.base.stores.sqlite import reading
from sparsetune.doctor.finding import Finding
from sparsetune.search.lock import others
from sparsetune.tracking.tables import Home, path_of, strays

_QUERY = "SELECT name, artifact_location FROM experiments WHERE lifecycle_stage = 'active'"


def moved_findings(project: Project, uri: str, store: Path) -> Iterator[Finding]:
    """What to say of the places in an SQLite store; nothing where all is well."""
    home = Home.of(project.runs, uri)
    count = strays(uri, home)
    if count:
        former = ", ".join(str(place.parent) for place in home.former.all)
        found = f"{store.name}: {count:,} places of files are where the project lay before: {former}"
        busy = others(project.runs / "locks")
        mend = "wait for what runs here, then: " if busy else ""
        yield Finding("note", "MLflow", found, f"{mend}the next start of a study, or `sparsetune ui`, brings them here")
    with suppress(sqlite3.Error), reading(store) as connection:
        for name, place in connection.execute(_QUERY).fetchall():
            folder = path_of(home.now(place or ""))
            elsewhere = folder is not None and not folder.is_relative_to(project.runs)  # that one is looked at anyway
            if folder and elsewhere and name != "Default" and not _writable(folder):
                found = f"files of experiment {name!r} go to {folder}, where nothing can be written"
                yield Finding("problem", "MLflow", found, "make that folder, or give the study another name")


def _writable(folder: Path) -> bool:
    there = next((each for each in (folder, *folder.parents) if each.exists()), folder)
    return not why_no_files(there)

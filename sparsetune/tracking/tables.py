"""MLflow's tables, where they are read and written by SQL, as those of its 3.17 are: empty ones, and places in them.

Its migrations take seconds: tables with nothing in them are made once on this machine, a copy takes none.

Whole paths stand in them, which are brought up to date once a project was moved or copied. Only what points into a
folder in which this project has lain is changed; what lies elsewhere, on S3 or in another project, stays as it is.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import uuid
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from sparsetune.base.errors import BadInput
from sparsetune.base.paths import cache_root
from sparsetune.base.stores.former import Former, alive, former_places, same_folder
from sparsetune.base.stores.sqlite import for_mlflow, reading, sqlite_path, sqlite_url
from sparsetune.base.stores.tables import MLFLOW, look
from sparsetune.base.stores.tracking_uri import is_database
from sparsetune.tracking.run_keys import STUDY_ID

VERSION = "3.17"
"""The MLflow for whose tables this was written."""

PLACES = (  # tables, their columns with places, and those that say whose they are
    ("experiments", "artifact_location", "experiment_id"),
    ("runs", "artifact_uri", "experiment_id"),
    ("logged_models", "artifact_location", "experiment_id"),
    ("model_versions", "source", "run_id"),
    ("model_versions", "storage_location", "run_id"),
)
_OURS = re.compile(r"file://(/.*/mlruns)/artifacts/([^/]+)")  # an experiment's place, as SparseTune gives it
_STAGES = "SELECT experiment_id, name, lifecycle_stage FROM experiments"
_OF_STUDY = f"""{_STAGES} WHERE experiment_id IN
    (SELECT experiment_id FROM runs WHERE run_uuid IN (SELECT run_uuid FROM tags WHERE key = ? AND value = ?))"""


def write_tables(path: Path, create: Callable[[str], object]) -> None:
    """A new database with MLflow's tables: the copy in the cache, else what ``create`` makes of a URI."""
    kept = kept_tables()
    if kept is not None and is_blank(kept):
        shutil.copyfile(kept, path)
        with path.open("rb") as file:
            os.fsync(file.fileno())  # it will be moved in place, and must be whole there
        return
    create(sqlite_url(path))
    if kept is not None:
        with suppress(OSError, sqlite3.Error):  # a cache that takes nothing costs seconds, no results
            keep(path, kept)


def kept_tables() -> Path | None:
    """Where the tables of the installed MLflow are kept; None if there is no place for a cache."""
    try:
        return cache_root() / "mlflow" / f"{version('mlflow')}.db"
    except (BadInput, RuntimeError):  # the latter: ~ of nobody
        return None


def is_blank(path: Path) -> bool:
    """Whether the installed MLflow can begin with it."""
    with suppress(OSError):
        if path.is_file():
            content = look(path, MLFLOW)
            return bool(content.schema) and content.trouble is None and not any(content.rows.values())
    return False


def keep(path: Path, kept: Path) -> None:
    """Put a copy in the cache, without the experiment "Default": its files would go to this folder for ever."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    aside = kept.with_name(f".{uuid.uuid4().hex}.part")
    try:
        shutil.copyfile(path, aside)
        with closing(sqlite3.connect(aside)) as connection, connection:
            connection.execute("DELETE FROM experiments")
        aside.rename(kept)
    finally:
        aside.unlink(missing_ok=True)


class Stage(NamedTuple):
    """An experiment's ``lifecycle_stage``."""

    number: str
    name: str
    stage: str


def stage_of(path: Path, study: str, uid: str | None) -> Stage | None:
    """Of a study's experiment, as the tracker looks for it; None where there is none, or the file is locked.

    Args:
        uid: tells the study from others of its name; None for one that has not begun.
    """
    with suppress(sqlite3.Error), reading(path, seconds=0) as connection:
        mine = connection.execute(_OF_STUDY, (STUDY_ID, uid)).fetchall()
        rows = mine or connection.execute(f"{_STAGES} WHERE name = ?", (study,)).fetchall()
        if rows:
            number, name, stage = min(rows, key=lambda row: (row[1] != study, row[2] == "deleted", row[0]))
            return Stage(str(number), name, stage)
    return None


@dataclass(frozen=True)
class Home:
    """A project's ``mlruns/`` as a store of MLflow knows it.

    Attributes:
        here: where it lies.
        former: where it has lain and lies no more.
        shared: others are at work in it, perhaps from where its folder has another path: what is theirs stays.
    """

    here: Path
    former: Former = field(default_factory=Former)
    shared: bool = False

    @staticmethod
    def of(runs: Path, uri: str, *, shared: bool = False) -> Home:
        """The home of what a store holds. One in the project has come along with it; of another one nothing is taken
        that may be of a project which still lies there, and of which this one is a copy."""
        file = sqlite_path(uri)
        came_along = file is not None and same_folder(file.parent, runs)
        noted = former_places(runs)
        if noted is None:  # by no version so far
            noted = Former(guessed=_from_tables(runs, file) if came_along and file else ())
        if not came_along:
            noted = Former(tuple(each for each in noted.noted if not alive(each)))
        return Home(runs, noted, shared)

    def now(self, place: str) -> str:
        """The place of files, a URI or a path, as it is now."""
        for each in self.former.all:
            for before, after in ((each.as_uri(), self.here.as_uri()), (str(each), str(self.here))):
                if place.startswith(f"{before}/"):
                    moved = after + place.removeprefix(before)
                    stayed = each in self.former.guessed and _lies(place) and not _lies(moved)
                    return place if stayed else moved
        return place

    def starts(self) -> list[str]:
        """What a place that is not up to date may begin with."""
        return [f"{start}/" for each in self.former.all for start in (each.as_uri(), each)]


def bring_home(uri: str, home: Home, experiment: str | None) -> int:
    """Bring a store's places up to date, in one transaction; how many those were.

    Args:
        experiment: the id of one's own: of no other where the project is shared.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: the store is away, or takes no more.
    """
    starts = home.starts()
    if not starts or not is_database(uri):  # a tracking server keeps places of its own
        return 0
    from sqlalchemy import column, create_engine, literal, or_, select, table, true, update
    from sqlalchemy.pool import NullPool

    changed = 0
    with create_engine(for_mlflow(uri), poolclass=NullPool).begin() as connection:
        runs = table("runs", column("run_uuid"), column("experiment_id"))
        mine = {
            "experiment_id": select(literal(experiment and int(experiment))),
            "run_id": select(runs.c.run_uuid).where(runs.c.experiment_id == (experiment and int(experiment))),
        }
        for name, place, owner in PLACES:
            rows = table(name, column(place), column(owner))
            own = rows.c[owner].in_(mine[owner]) if home.shared else true()
            former = or_(*(rows.c[place].startswith(start, autoescape=True) for start in starts))
            for (before,) in connection.execute(select(rows.c[place]).where(former, own).distinct()).all():
                after = home.now(before)
                if after != before:
                    change = update(rows).where(rows.c[place] == before, own).values({place: after})
                    changed += connection.execute(change).rowcount
    return changed


def strays(uri: str, home: Home) -> int:
    """How many places of an SQLite store are not up to date; it is only read, by SQLite alone."""
    file = sqlite_path(uri)
    if file is None or not home.starts():
        return 0
    with suppress(sqlite3.Error), reading(file) as connection:
        queries = (f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL" for table, column, _ in PLACES)
        return sum(home.now(place) != place for query in queries for (place,) in connection.execute(query))
    return 0


def _from_tables(runs: Path, file: Path) -> tuple[Path, ...]:
    """Where a project lay before places were noted, as its experiments say.

    Another project may have made experiments in this store: its files lie there, and none are here.
    """
    befores = []
    with suppress(sqlite3.Error), reading(file) as connection:
        for (place,) in connection.execute("SELECT artifact_location FROM experiments"):
            ours = _OURS.fullmatch(place or "")
            before = Path(unquote(ours[1])) if ours else runs
            if ours and (not before.exists() or (runs / "artifacts" / unquote(ours[2])).exists()):
                befores.append(before)
    return tuple(each for each in dict.fromkeys(befores) if not same_folder(each, runs))


def path_of(place: str) -> Path | None:
    """The folder of a place on this machine; None for another's, such as a bucket."""
    if place.startswith("file://"):
        return Path(unquote(place.removeprefix("file://")))
    return Path(place) if place.startswith("/") else None


def _lies(place: str) -> bool:
    path = path_of(place)
    return path is not None and path.exists()

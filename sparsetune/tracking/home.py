"""A project that was moved or copied, in MLflow's tables: these hold whole paths, which are brought up to date.

Only what points into a folder in which this project has lain is changed; what lies elsewhere, on S3 or in another
project, stays as it is.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from sparsetune.base.stores.former import Former, alive, former_places, same_folder
from sparsetune.base.stores.sqlite import for_mlflow, reading, sqlite_path
from sparsetune.tracking.store import is_remote

_PLACES = (  # tables, their columns with places, and those that say whose they are
    ("experiments", "artifact_location", "experiment_id"),
    ("runs", "artifact_uri", "experiment_id"),
    ("logged_models", "artifact_location", "experiment_id"),
    ("model_versions", "source", "run_id"),
    ("model_versions", "storage_location", "run_id"),
)
_OURS = re.compile(r"file://(/.*/mlruns)/artifacts/([^/]+)")  # an experiment's place, as SparseTune gives it


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
    if not starts or is_remote(uri):  # a tracking server keeps places of its own
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
        for name, place, owner in _PLACES:
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
        queries = (f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL" for table, column, _ in _PLACES)
        return sum(home.now(place) != place for query in queries for (place,) in connection.execute(query))
    return 0


def _from_tables(runs: Path, file: Path) -> tuple[Path, ...]:
    """Where a project lay before places were noted, as its experiments say.

    Another project may have made experiments in this store: its files lie there, and none are here.
    """
    found = []
    with suppress(sqlite3.Error), reading(file) as connection:
        for (place,) in connection.execute("SELECT artifact_location FROM experiments"):
            ours = _OURS.fullmatch(place or "")
            before = Path(unquote(ours[1])) if ours else runs
            if ours and (not before.exists() or (runs / "artifacts" / unquote(ours[2])).exists()):
                found.append(before)
    return tuple(each for each in dict.fromkeys(found) if not same_folder(each, runs))


def path_of(place: str) -> Path | None:
    """The folder of a place on this machine; None for another's, such as a bucket."""
    if place.startswith("file://"):
        return Path(unquote(place.removeprefix("file://")))
    return Path(place) if place.startswith("/") else None


def _lies(place: str) -> bool:
    path = path_of(place)
    return path is not None and path.exists()

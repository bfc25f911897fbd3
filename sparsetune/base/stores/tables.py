"""An SQLite file of Optuna or MLflow: does it open, and does its schema fit what is installed?

Imports neither: which schemas a package knows is read from its Alembic scripts.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from sparsetune.base.errors import BadInput
from sparsetune.base.stores.sqlite import reading, sqlite_url

_ANOTHER = "name another file, or move it away: a study makes a new one"
_ASSIGNED = re.compile(r"^(revision|down_revision)\b[^=\n]*=(.*)$", re.MULTILINE)
_NAME = re.compile(r"[\"']([^\"']+)[\"']")


@dataclass(frozen=True)
class Tables:
    """A database of one of the two packages."""

    package: str
    scripts: str  # the folder of its migrations
    counted: tuple[str, ...]  # tables whose rows are worth counting
    upgrade: str  # the command that brings an older file up to date


OPTUNA = Tables(
    "optuna", "storages/_rdb/alembic/versions", ("studies", "trials"), "optuna storage upgrade --storage {}"
)
MLFLOW = Tables("mlflow", "store/db_migrations/versions", ("experiments", "runs"), "mlflow db upgrade {}")


@dataclass(frozen=True)
class Trouble:
    """Why a file cannot be used, and what mends it.

    Attributes:
        passing: it can be used later, as it is.
    """

    problem: str
    mend: str
    passing: bool = False

    def refusal(self, path: Path) -> BadInput:
        """The error of a command that wants the file."""
        return BadInput("; ".join(filter(None, (self.problem, self.mend))), source=path)


@dataclass(frozen=True)
class Content:
    """What a file holds: rows of the tables that are counted, and the schema; empty while nobody has used it."""

    rows: dict[str, int] = field(default_factory=dict)
    schema: str = ""
    trouble: Trouble | None = None


KILLED = Trouble("its writer was killed in the middle of a write", "the next run of a study mends it", True)
_TROUBLES = {  # SQLite's name of an error
    "SQLITE_BUSY": Trouble("locked by another process for longer than a second", "wait for it, or end it", True),
    "SQLITE_READONLY_ROLLBACK": KILLED,
    "SQLITE_NOTADB": Trouble("not a database", _ANOTHER),
    "SQLITE_CORRUPT": Trouble("damaged", "restore it from a backup, or `sqlite3 FILE .recover`"),
}


def look(path: Path, tables: Tables) -> Content:
    """What a file that is there holds; it is changed in no way."""
    try:
        with reading(path) as connection:
            names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if not names:
                return Content()
            if "alembic_version" not in names or not names.issuperset(tables.counted):
                return Content(trouble=Trouble(f"not {tables.package}'s", _ANOTHER))
            (schema,) = connection.execute("SELECT version_num FROM alembic_version").fetchone() or ("",)
            counts = {
                table: int(connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0])
                for table in tables.counted
            }
    except sqlite3.Error as error:
        if path.is_dir() or not os.access(path, os.R_OK):
            why = "a folder" if path.is_dir() else "you may not read it"
            return Content(trouble=Trouble(why, "name another file"))
        return Content(trouble=_TROUBLES.get(error.sqlite_errorname, Trouble(str(error), "")))
    return Content(counts, schema, _misfit(tables, schema, migrations(tables.package, tables.scripts), path))


def _misfit(tables: Tables, schema: str, revisions: Migrations, path: Path) -> Trouble | None:
    if schema == revisions.head or revisions.head is None:
        return None
    if schema in revisions.all:
        mend = f"copy the file, then: {tables.upgrade.format(sqlite_url(path))}"
        return Trouble(f"of an older {tables.package} (schema {schema})", mend)
    return Trouble(f"of a newer {tables.package} (schema {schema})", f"install the {tables.package} that wrote it")


@dataclass(frozen=True)
class Migrations:
    """All revisions, and the newest; None if that cannot be told."""

    all: frozenset[str]
    head: str | None


@cache
def migrations(package: str, folder: str) -> Migrations:
    """Those of an installed package, which is not imported; none if it has no such folder."""
    spec = importlib.util.find_spec(package)
    places = list(spec.submodule_search_locations or ()) if spec else []
    return parse(file.read_text(encoding="utf-8") for place in places for file in (Path(place) / folder).glob("*.py"))


def parse(scripts: Iterable[str]) -> Migrations:
    """The revisions that scripts make, and the one that no other is built on."""
    made: set[str] = set()
    built_on: set[str] = set()
    for text in scripts:
        for name, value in _ASSIGNED.findall(text):
            (made if name == "revision" else built_on).update(_NAME.findall(value))
    heads = made - built_on
    return Migrations(frozenset(made), heads.pop() if len(heads) == 1 else None)

"""Opening Optuna's storage, and reading studies back."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sparsetune.base.errors import BadInput, shown
from sparsetune.base.messages import Trial
from sparsetune.base.secrets import without_password
from sparsetune.base.stores.drivers import words_of
from sparsetune.base.stores.sqlite import instead, sqlite_path
from sparsetune.base.stores.tables import OPTUNA, look, migrations
from sparsetune.config.metrics import Goal
from sparsetune.config.study.constraints import Constraint
from sparsetune.config.study.file import Objective
from sparsetune.config.study.front import best_rows
from sparsetune.config.study.rows import branch_rows
from sparsetune.search.records import as_trial, by_importance, trials_with_times

if TYPE_CHECKING:
    from optuna.storages import RDBStorage

UID = "uid"  # the study's attribute that tells it from others of its name
DEFINITION = "definition"  # the study's attribute with what makes it this study


def exists(url: str) -> bool:
    """False for an SQLite file that is not there yet; servers are taken to exist."""
    path = sqlite_path(url)
    return path is None or path.exists()


def check_folder(url: str, coming: Path) -> None:
    """Raise :class:`BadInput` if an SQLite file's folder is neither there nor the one that a study creates."""
    path = sqlite_path(url)
    if path is not None and path.parent != coming and not path.parent.is_dir():
        problem = f"cannot be opened: there is no folder {path.parent}"
        raise BadInput(problem, source=without_password(url), code="missing")


def open_storage(url: str) -> RDBStorage:
    """Connect, and create the tables where there are none; raises :class:`BadInput` with the database's own words."""
    import optuna
    from optuna.storages import RDBStorage
    from sqlalchemy.pool import NullPool

    if allowed := instead(url):
        raise BadInput(found=shown(url), allowed=allowed, key="storage")
    # a server's connection is opened for each transaction: none goes stale in hours of training
    options = {"connect_args": {"timeout": 60}} if sqlite_path(url) else {"poolclass": NullPool}
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    path = sqlite_path(url)
    try:
        newest = migrations(OPTUNA.package, OPTUNA.scripts).head  # Optuna would execute all of them to learn its name
        current = path is not None and path.is_file() and look(path, OPTUNA).schema == newest
        literal = url.replace("{", "{{").replace("}", "}}")  # Optuna takes a URL for a template
        return RDBStorage(literal, engine_kwargs=options, skip_compatibility_check=current, skip_table_creation=current)
    except Exception as error:  # SQLAlchemy, a driver's own errors, a missing driver: all mean the same here
        problem = f"cannot be opened: {words_of(error, url)}"
        raise BadInput(problem, source=without_password(url), code="unavailable") from None


@dataclass(frozen=True)
class StoredStudy:
    """A study as its storage has it.

    Attributes:
        metrics: of the objectives.
        trials: by number.
        rows: of every table: the same trials, of a forked one each branch.
        front: the best row, or the Pareto front by the first objective, the best first; none breaks a constraint.
        best_by_metric: for each objective the row with the best value; empty if none is complete.
        formulas: of those objectives that the study computes, by name.
        keys: by number, of all that decides a trial's numbers (``duplicates.py``).
        constraints: that rows may break.
        objectives: with their goals.
        uid: what tells it from others of its name; None while no driver has written it.
    """

    metrics: list[str]
    trials: list[Trial]
    rows: list[Trial]
    front: list[Trial]
    best_by_metric: list[Trial]
    formulas: dict[str, str]
    keys: dict[int, str]
    constraints: list[Constraint]
    objectives: tuple[Objective, ...]
    uid: str | None


def read_study(url: str, name: str) -> StoredStudy:
    """A study of the storage; raises :class:`BadInput` with the nearest name if there is none."""
    import optuna
    from optuna.study import StudyDirection

    names = study_names(url)
    if name not in names:
        raise BadInput.unknown("study", name, names, source=without_password(url))
    storage = open_storage(url)
    study = optuna.load_study(study_name=name, storage=storage)
    goals: list[Goal] = ["maximize" if each == StudyDirection.MAXIMIZE else "minimize" for each in study.directions]
    metrics = study.metric_names or [f"value {index}" for index in range(len(goals))]
    definition = study.user_attrs.get(DEFINITION, {})
    constraints = [Constraint(**each) for each in definition.get("constraints", ())]
    plain = [{"metric": name, "goal": goal} for name, goal in zip(metrics, goals, strict=True)]
    objectives = tuple(Objective(**each) for each in definition.get("objectives", plain))
    formulas = {each.metric: each.score for each in objectives if each.score}
    stored = trials_with_times(storage, storage.get_study_id_from_name(name)).values()
    trials = [as_trial(frozen) for frozen in stored]
    keys = {frozen.number: frozen.user_attrs["key"] for frozen in stored if "key" in frozen.user_attrs}
    rows = [row for trial in trials for row in branch_rows(trial, metrics, constraints)]
    won = best_rows(rows, goals)
    uid = study.user_attrs.get(UID)
    return StoredStudy(metrics, trials, rows, won.front, won.best, formulas, keys, constraints, objectives, uid)


def stored_importance(url: str, name: str, goal: Goal) -> tuple[str, ...]:
    """Names of a study's parameters, the one that matters most for the first objective first (``records.py``)."""
    import optuna

    return by_importance(optuna.load_study(study_name=name, storage=open_storage(url)).trials, goal)


def study_names(url: str) -> list[str]:
    """The names of all studies of a storage, none if it does not exist yet."""
    import optuna

    return optuna.get_all_study_names(open_storage(url)) if exists(url) else []

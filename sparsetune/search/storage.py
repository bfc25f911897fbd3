"""Opening Optuna's storage, and reading studies back."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparsetune.base.errors import BadInput, shown, unknown
from sparsetune.base.messages import Branch, Key, Result, Run, State, Trial
from sparsetune.base.secrets import without_password
from sparsetune.base.stores.drivers import words_of
from sparsetune.base.stores.migrations import migrations
from sparsetune.base.stores.sqlite import instead, sqlite_path
from sparsetune.base.stores.tables import OPTUNA, look
from sparsetune.config.metrics import Goal
from sparsetune.config.study.constraints import Constraint
from sparsetune.config.study.file import Objective
from sparsetune.config.study.views import branch_rows
from sparsetune.config.study.winners import best_rows
from sparsetune.search.times import told_ms, trials_with_times

if TYPE_CHECKING:
    from optuna.storages import RDBStorage
    from optuna.trial import FrozenTrial

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
        raise BadInput(f"cannot be opened: there is no folder {path.parent}", source=without_password(url))


def open_storage(url: str) -> RDBStorage:
    """Connect, and create the tables where there are none; raises :class:`BadInput` with the database's own words."""
    import optuna
    from optuna.storages import RDBStorage
    from sqlalchemy.pool import NullPool

    if allowed := instead(url):
        raise BadInput(f"found {shown(url)}, allowed: {allowed}", key="storage")
    # a server's connection is opened for each transaction: none goes stale in hours of training
    options = {"connect_args": {"timeout": 60}} if sqlite_path(url) else {"poolclass": NullPool}
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        known = _is_current(url)  # Optuna would execute all of its migrations to learn the newest one's name
        return RDBStorage(
            _literal(url), engine_kwargs=options, skip_compatibility_check=known, skip_table_creation=known
        )
    except Exception as error:  # SQLAlchemy, a driver's own errors, a missing driver: all mean the same here
        raise BadInput(f"cannot be opened: {words_of(error, url)}", source=without_password(url)) from None


def _is_current(url: str) -> bool:
    """Whether it is an SQLite file with the tables of the Optuna that is installed, as far as these are known."""
    path = sqlite_path(url)
    known = migrations(OPTUNA.package, OPTUNA.scripts).head
    return path is not None and path.is_file() and look(path, OPTUNA).schema == known


def _literal(url: str) -> str:
    """Optuna takes a URL for a template."""
    return url.replace("{", "{{").replace("}", "}}")


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
        keys: by number, of all that decides a trial's numbers (``known.py``).
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
        raise BadInput(unknown("study", name, names), source=without_password(url))
    storage = open_storage(url)
    study = optuna.load_study(study_name=name, storage=storage)
    goals: list[Goal] = ["maximize" if each == StudyDirection.MAXIMIZE else "minimize" for each in study.directions]
    metrics = study.metric_names or [f"value {index}" for index in range(len(goals))]
    definition = study.user_attrs.get(DEFINITION, {})
    constraints = [Constraint(**each) for each in definition.get("constraints", ())]
    plain = [{"metric": name, "goal": goal} for name, goal in zip(metrics, goals, strict=True)]
    objectives = tuple(Objective(**each) for each in definition.get("objectives", plain))
    formulas = {each.metric: each.score for each in objectives if each.score}
    stored = trials_with_times(storage, study._study_id)
    trials = [as_trial(frozen) for frozen in stored]
    keys = {frozen.number: frozen.user_attrs["key"] for frozen in stored if "key" in frozen.user_attrs}
    rows = [row for trial in trials for row in branch_rows(trial, metrics, constraints)]
    won = best_rows(rows, goals)
    uid = study.user_attrs.get(UID)
    return StoredStudy(metrics, trials, rows, won.front, won.best, formulas, keys, constraints, objectives, uid)


def stored_importance(url: str, name: str, goal: Goal) -> tuple[str, ...]:
    """Names of a study's parameters, the one that matters most for the first objective first (``importance.py``)."""
    import optuna

    from sparsetune.search.importance import by_importance

    return by_importance(optuna.load_study(study_name=name, storage=open_storage(url)).trials, goal)


def study_names(url: str) -> list[str]:
    """The names of all studies of a storage, none if it does not exist yet."""
    import optuna

    return optuna.get_all_study_names(open_storage(url)) if exists(url) else []


def as_trial(frozen: FrozenTrial) -> Trial:
    """Optuna's record of a trial in the words of every listing."""
    said = frozen.user_attrs
    config = said.get("config", {})
    state: State = frozen.state.name  # type: ignore[assignment]  # or WAITING: enqueued by hand, and only listed
    branches = tuple(Branch(**each) for each in said.get("branches", ())) or (Branch(),)
    trial = Trial(
        number=frozen.number,
        state=state,
        params=dict(frozen.params),
        config=config,
        metrics=said.get("metrics", {}),
        values=tuple(frozen.values or ()),
        reason=said.get("reason", ""),
        notes=said.get("notes", {}),
        started_ms=told_ms(frozen.datetime_start),
        ended_ms=told_ms(frozen.datetime_complete),
        errors=said.get("errors", {}),
        branches=branches,
        feasible=all(value <= 0 for value in frozen.constraints.values()),
    )
    if "runs" in said:
        return replace(trial, runs=tuple(_run(frozen.number, **each) for each in said["runs"]))
    seeds = said.get("seeds", [config.get("seed", 0)])
    keys = [Key(frozen.number, seed, branch.name) for seed in seeds for branch in branches]
    if len(keys) > 1:
        return replace(trial, runs=tuple(Run(key) for key in keys))
    return replace(trial, runs=(Run(keys[0], state, trial.metrics, trial.reason, trial.notes),))


def _run(number: int, seed: int, branch: str, results: Sequence[Mapping[str, Any]] = (), **said: Any) -> Run:
    return Run(Key(number, seed, branch), **said, results=tuple(Result(**each) for each in results))

"""How far studies are, read from Optuna's tables as they are: it leaves no trace in the storage, holds its lock for
milliseconds, and takes hundredths of a second for ten thousand trials, where Optuna would build objects for seconds."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from math import isnan, nan
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sparsetune.base.errors import BadInput
from sparsetune.base.messages import GIVEN, Branch, Key, Run, Trial
from sparsetune.base.secrets import without_password
from sparsetune.base.stores.drivers import words_of
from sparsetune.base.stores.sqlite import reading, sqlite_path
from sparsetune.config.metrics import Goal
from sparsetune.config.study.constraints import Constraint, feasible
from sparsetune.config.study.problem import Extent
from sparsetune.config.study.rows import branch_rows
from sparsetune.search.records import stored_ms
from sparsetune.search.storage import DEFINITION, exists

if TYPE_CHECKING:
    from sqlalchemy import Connection

BUDGET = "budget"  # the study's attribute with its budget and extent, as the study file of its last start has them
_UID, _REASON, _NAMES = "uid", "reason", "study:metric_names"
_GOALS: dict[str, Goal] = {"MAXIMIZE": "maximize", "MINIMIZE": "minimize"}
_INFINITE = {"INF_POS": float("inf"), "INF_NEG": float("-inf")}


class Brief(NamedTuple):
    """A trial in brief. Times in Unix milliseconds, 0 while there is none."""

    number: int
    state: str
    started_ms: int
    ended_ms: int


@dataclass(frozen=True)
class Progress:
    """A study as its storage has it.

    Attributes:
        uid: what tells it from an earlier study of its name; None until its first driver got so far.
        budget: trials in all, with those that were taken over or given at the start; None if no driver has said.
        trials: by number.
        values: of the complete rows that break no constraint, in the order of ``metrics``, by number and branch.
        failure: number and reason of the trial that failed last.
    """

    name: str
    uid: str | None
    budget: int | None
    metrics: list[str]
    goals: list[Goal]
    trials: list[Brief] = field(repr=False)
    values: dict[tuple[int, str], tuple[float, ...]] = field(repr=False)
    failure: tuple[int, str] | None


def read_progress(url: str, names: Sequence[str] | None = None) -> list[Progress]:
    """These studies, or all of a storage; raises :class:`BadInput` for one that is not there, or no database."""
    if not exists(url):
        if names:
            raise BadInput.unknown("study", names[0], (), source=without_password(url))
        return []
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with _connected(url) as connection:
            ids = _select(connection, "studies", "study_name", "study_id")
            stored = dict(sorted(ids, key=lambda row: int(row[1])))
            for name in names or ():
                if name not in stored:
                    raise BadInput.unknown("study", name, stored, source=without_password(url))
            return [_read(connection, name, stored[name]) for name in (names or stored)]
    except (SQLAlchemyError, sqlite3.Error, ImportError, OSError) as error:
        problem = f"cannot be read: {words_of(error, url)}"
        raise BadInput(problem, source=without_password(url), code="unavailable") from None


def _read(connection: Connection, name: str, study_id: int) -> Progress:
    here = {"study_id": study_id}
    attributes = dict(_select(connection, "study_user_attributes", "key", "value_json", **here))
    system = dict(_select(connection, "study_system_attributes", "key", "value_json", **here))
    directions = sorted(_select(connection, "study_directions", "objective", "direction", **here))
    rows = _select(connection, "trials", "trial_id", "number", "state", "datetime_start", "datetime_complete", **here)
    trials = [Brief(number, state, stored_ms(start), stored_ms(end)) for _, number, state, start, end in rows]
    failures = [
        (trial.ended_ms, row[0], trial.number) for row, trial in zip(rows, trials, strict=True) if trial.state == "FAIL"
    ]
    failure = None
    if failures:
        _, trial_id, number = max(failures)
        reasons = _select(connection, "trial_user_attributes", "value_json", trial_id=trial_id, key=_REASON)
        failure = (number, json.loads(reasons[0][0]) if reasons else "")
    metrics = json.loads(system.get(_NAMES, "null")) or [f"value {index}" for index in range(len(directions))]
    complete = {row[0]: row[1] for row in rows if row[2] == "COMPLETE"}
    definition = json.loads(attributes.get(DEFINITION, "{}"))
    if definition.get("fork") or definition.get("constraints"):
        constraints = [Constraint(**each) for each in definition.get("constraints", ())]
        values = _row_values(connection, complete, study_id, metrics, constraints)
    else:
        values = _values(connection, complete, study_id)
    said, taken = json.loads(attributes.get(BUDGET, "{}")), 0
    if definition.get("start_with"):
        of_any_study = _select(connection, "trial_user_attributes", "trial_id", key=GIVEN)
        taken = len({row[0] for row in rows} & {trial_id for (trial_id,) in of_any_study})
    budget = Extent(said["trials"], said.get("points")).total(taken) if "trials" in said else None
    uid = json.loads(attributes.get(_UID, "null"))
    return Progress(
        name=name,
        uid=uid,
        budget=budget,
        metrics=metrics,
        goals=[_GOALS[direction] for _, direction in directions],
        trials=sorted(trials),
        values=values,
        failure=failure,
    )


def _row_values(
    connection: Connection,
    complete: dict[int, int],
    study_id: int,
    metrics: Sequence[str],
    constraints: Sequence[Constraint],
) -> dict[tuple[int, str], tuple[float, ...]]:
    """Those that may win, from what each trial says of its runs; ``complete``: numbers by id."""
    attributes: dict[int, dict[str, Any]] = {}
    keys, columns = ("metrics", "runs", "branches"), ("key", "value_json")
    for number, key, text in _of_trials(connection, "trial_user_attributes", columns, complete, study_id, keys):
        attributes.setdefault(number, {})[key] = json.loads(text)
    values = {}
    for number, each in sorted(attributes.items()):
        runs = tuple(
            Run(Key(number, run["seed"], run["branch"]), run["state"], run["metrics"]) for run in each.get("runs", ())
        )
        branches = tuple(Branch(**branch) for branch in each.get("branches", ())) or (Branch(),)
        trial = Trial(number, "COMPLETE", {}, {}, each.get("metrics", {}), runs=runs, branches=branches)
        for row in branch_rows(trial, metrics, constraints):
            numbers = tuple(row.metrics.get(name, nan) for name in metrics)
            if row.state == "COMPLETE" and not any(map(isnan, numbers)) and feasible(row.metrics, constraints):
                values[number, row.branch] = numbers
    return values


def _values(
    connection: Connection, complete: dict[int, int], study_id: int
) -> dict[tuple[int, str], tuple[float, ...]]:
    """Of trials without branches; ``complete``: numbers by id."""
    values: dict[int, dict[int, float]] = {}
    columns = ("objective", "value", "value_type")
    for number, objective, value, kind in _of_trials(connection, "trial_values", columns, complete, study_id):
        values.setdefault(number, {})[objective] = _INFINITE.get(kind, value)
    return {(number, ""): tuple(value for _, value in sorted(each.items())) for number, each in sorted(values.items())}


def _of_trials(
    connection: Connection,
    name: str,
    columns: Sequence[str],
    complete: dict[int, int],
    study_id: int,
    keys: Sequence[str] = (),
) -> Iterator[tuple[Any, ...]]:
    """Columns of a table, of a study's complete trials, each row with its trial's number; of attributes these keys."""
    from sqlalchemy import column, select, table

    trials = table("trials", column("trial_id"), column("study_id"))
    source = table(name, *(column(each) for each in ("trial_id", *columns)))
    query = select(*source.c).join(trials, trials.c.trial_id == source.c.trial_id)
    query = query.where(trials.c.study_id == study_id, *([source.c.key.in_(keys)] if keys else []))
    for trial_id, *row in connection.execute(query):
        if trial_id in complete:
            yield complete[trial_id], *row


def _select(connection: Connection, name: str, *columns: str, **where: Any) -> list[Any]:
    from sqlalchemy import column, select, table

    source = table(name, *(column(each) for each in dict.fromkeys((*columns, *where))))
    query = select(*(source.c[each] for each in columns)).where(*(source.c[k] == value for k, value in where.items()))
    return [tuple(row) for row in connection.execute(query)]


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool, StaticPool

    path = sqlite_path(url)
    if path is None:
        with create_engine(url, poolclass=NullPool).connect() as connection:
            yield connection
        return
    with _opened(path) as raw:
        engine = create_engine("sqlite://", creator=lambda: raw, poolclass=StaticPool)
        with engine.connect() as connection:
            yield connection


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Read-only. A writer that was killed may have left half a transaction: it is undone in a copy, not here."""
    with reading(path, seconds=5.0) as connection:
        try:
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_READONLY_ROLLBACK:
                raise
        else:
            yield connection
            return
    with tempfile.TemporaryDirectory(prefix="sparsetune-") as folder:
        for name in (path.name, f"{path.name}-journal"):
            shutil.copyfile(path.with_name(name), Path(folder) / name)
        with closing(sqlite3.connect(Path(folder) / path.name)) as connection:
            yield connection

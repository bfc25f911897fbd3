"""Studies read from Optuna's tables as they are, against Optuna's own reading."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest

from sparsetune.base.errors import BadInput
from sparsetune.search.progress import read_progress
from sparsetune.search.storage import read_study

from .begun import begin, go_on, run
from .toys import TWO, finish, make, opened


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two finished studies in one storage, and one with a trial that was cut short."""
    root = tmp_path_factory.mktemp("progress")
    finish(make(root, objectives=TWO))
    finish(make(root, study="one goal", pruner={"name": "median", "n_startup_trials": 2}))
    opened(make(root, study="cut short")).ask()
    return root


@pytest.fixture
def url(root: Path) -> str:
    return f"sqlite:///{root}/mlruns/studies.db"


def files(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize("name", ["toys", "one goal", "cut short"])
def test_it_is_what_optuna_reads(name: str, url: str) -> None:
    (found,) = read_progress(url, [name])
    stored = read_study(url, name)
    assert found.name == name
    assert [tuple(brief) for brief in found.trials] == [
        (trial.number, trial.state, trial.started_ms, trial.ended_ms) for trial in stored.trials
    ]
    assert found.values == {(row.number, row.branch): row.values for row in stored.rows if row.state == "COMPLETE"}
    assert found.metrics == stored.metrics
    failed = [trial for trial in stored.trials if trial.state == "FAIL"]
    assert found.failure == ((failed[-1].number, failed[-1].reason) if failed else None)


def test_all_studies_come_in_the_order_in_which_they_were_made(url: str) -> None:
    assert [each.name for each in read_progress(url)] == ["toys", "one goal", "cut short"]


def test_the_goals_the_identity_and_the_budget(root: Path, url: str) -> None:
    found, other, _ = read_progress(url)
    assert (found.goals, found.budget) == (["maximize", "minimize"], 12)
    assert found.uid == optuna.load_study(study_name="toys", storage=url).user_attrs["uid"]
    assert found.uid != other.uid


def test_the_budget_is_that_of_the_last_start(tmp_path: Path) -> None:
    for trials in (3, 5, 4):
        study = make(tmp_path, budget={"trials": trials})
        opened(study)
        assert read_progress(study.storage)[0].budget == trials


GRID = {"sampler": "grid", "space": {"method.k": {"int": [1, 9], "step": 2}, "method.kind": {"factor": ["a", "b"]}}}


@pytest.mark.parametrize(("trials", "budget"), [(99, 10), (10, 10), (4, 4)])
def test_the_budget_of_a_grid_is_no_more_than_its_points(trials: int, budget: int, tmp_path: Path) -> None:
    study = make(tmp_path, budget={"trials": trials}, **GRID)
    ledger = finish(study)
    (found,) = read_progress(study.storage)
    assert (found.budget, len(found.trials), len(ledger)) == (budget, budget, budget)


@pytest.mark.parametrize(("trials", "budget"), [(99, 12), (12, 12), (11, 11), (4, 4), (1, 1)])
def test_a_grid_has_its_points_beside_those_that_are_given(trials: int, budget: int, tmp_path: Path) -> None:
    """Two that have to be trained: they cost of the budget, and are none of the ten."""
    study = make(tmp_path, budget={"trials": trials}, start_with=[{"method.k": 9}], **GRID)
    ledger = begin(study)
    (before,) = read_progress(study.storage)
    go_on(ledger)
    (after,) = read_progress(study.storage)
    assert (before.budget, after.budget, len(after.trials)) == (budget, budget, budget)
    assert ledger.extent.total() == budget


@pytest.mark.parametrize(("trials", "budget"), [(99, 14), (12, 14), (11, 14), (10, 13), (2, 5)])
def test_given_points_of_a_grid_that_are_known_cost_nothing(trials: int, budget: int, tmp_path: Path) -> None:
    """Three of the four; the ten points come beside them."""
    old = [trial for trial in run(tmp_path, "old", budget={"trials": 3}, **GRID) if trial.state == "COMPLETE"]
    points = [{"method.k": k, "method.kind": kind} for k in (1, 3, 5, 7, 9) for kind in "ab"]
    other = next(point for point in points if point not in [trial.params for trial in old])
    study = make(tmp_path, study="new", budget={"trials": trials}, start_with=[{"all_of": "old"}, other], **GRID)
    ledger = begin(study)
    go_on(ledger)
    (found,) = read_progress(study.storage, ["new"])
    assert len(old) == 3
    assert (found.budget, len(found.trials), ledger.extent.total(3)) == (budget, budget, budget)


def test_what_was_given_at_the_start_comes_on_top_of_the_budget(tmp_path: Path) -> None:
    """Also beside another study with such trials."""
    old = [trial for trial in run(tmp_path, "old", budget={"trials": 3}) if trial.state == "COMPLETE"]
    for name in ("one", "two"):
        changes = {"budget": {"trials": 2}, "start_with": [{"all_of": "old"}, {"method.x": 0.5}]}
        trials = run(tmp_path, name, **changes)
        (found,) = read_progress(make(tmp_path).storage, [name])
        assert len(old) == 3
        assert (found.budget, len(found.trials), len(trials)) == (5, 5, 5)


def test_infinite_values_are_infinite(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/x.db"
    study = optuna.create_study(study_name="plain", storage=url, directions=["minimize", "maximize"])
    study.tell(study.ask(), [float("inf"), -float("inf")])
    (found,) = read_progress(url)
    assert found.values == {(0, ""): (float("inf"), -float("inf"))}
    assert found.metrics == ["value 0", "value 1"]
    assert (found.uid, found.budget) == (None, None)


def test_a_study_that_is_not_there_is_bad_input_with_the_nearest_name(url: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="did you mean 'toys'"):
        read_progress(url, ["toy"])
    with pytest.raises(BadInput, match="unknown study 'toys'"):
        read_progress(f"sqlite:///{tmp_path}/none.db", ["toys"])
    assert read_progress(f"sqlite:///{tmp_path}/none.db") == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"this is no database" * 99])
def test_what_is_no_storage_is_bad_input(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "x.db"
    file.write_bytes(content)
    with pytest.raises(BadInput, match=r"x\.db: cannot be read: "):
        read_progress(f"sqlite:///{file}")
    assert file.read_bytes() == content


def test_a_server_that_is_away_is_bad_input_without_its_password() -> None:
    with pytest.raises(BadInput, match="cannot be read") as caught:
        read_progress("postgresql+none://me:tops3cret@127.0.0.1:9/x")
    assert "tops3cret" not in str(caught.value)


def test_reading_leaves_no_trace(root: Path, url: str) -> None:
    before = files(root / "mlruns")
    read_progress(url)
    assert files(root / "mlruns") == before


@pytest.fixture
def written(root: Path, tmp_path: Path) -> Iterator[tuple[str, sqlite3.Connection]]:
    """A copy of the storage, and a writer in the middle of a transaction."""
    shutil.copyfile(root / "mlruns" / "studies.db", tmp_path / "x.db")
    connection = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE trials SET state = 'FAIL'")
    yield f"sqlite:///{tmp_path}/x.db", connection
    connection.close()


def test_a_writer_is_neither_waited_for_nor_held_up(written: tuple[str, sqlite3.Connection], url: str) -> None:
    copy, writer = written
    assert read_progress(copy) == read_progress(url)
    writer.execute("COMMIT")
    assert {brief.state for each in read_progress(copy) for brief in each.trials} == {"FAIL"}


KILLED = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size = 2")  # so that it writes before it commits
connection.execute(f"PRAGMA journal_mode = {sys.argv[2]}")
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE trials SET state = 'FAIL'")
connection.execute("UPDATE trial_user_attributes SET value_json = value_json || ' '")
os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_what_a_killed_writer_left_half_done_is_not_seen_and_stays_for_the_next(
    journal: str, root: Path, url: str, tmp_path: Path
) -> None:
    shutil.copyfile(root / "mlruns" / "studies.db", tmp_path / "x.db")
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "x.db"), journal], check=False, timeout=60)
    before = {name: content for name, (_, content) in files(tmp_path).items() if not name.endswith("-shm")}
    assert len(before) == 2  # the database, and its journal
    assert read_progress(f"sqlite:///{tmp_path}/x.db") == read_progress(url)
    after: dict[str, Any] = {name: c for name, (_, c) in files(tmp_path).items() if not name.endswith("-shm")}
    assert after == before


def test_it_loads_neither_optuna_nor_torch(url: str) -> None:
    code = (
        f"import sys; from sparsetune.search.progress import read_progress; read_progress({url!r});"
        "print([name for name in ('optuna', 'torch', 'numpy', 'alembic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"

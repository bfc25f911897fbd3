"""Storages that cannot be opened, and what is read back from those that can."""

from __future__ import annotations

import importlib.util
import itertools
import random
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import optuna
import pytest
from optuna.storages._rdb.storage import _VersionManager

from sparsetune.base.errors import BadInput
from sparsetune.base.stores.tables import Migrations
from sparsetune.search import storage
from sparsetune.search.definition import refuse_other_meaning
from sparsetune.search.storage import open_storage, read_study, study_names

from .toys import TWO, make, opened, tell

SECRET = "tops3cret"


def refused(url: str) -> str:
    with pytest.raises(BadInput) as caught:
        open_storage(url)
    line = str(caught.value)
    assert "\n" not in line
    assert SECRET not in line
    return line


def test_no_such_folder(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/no/where.db"
    assert refused(url) == f"{url}: cannot be opened: unable to open database file"
    study = make(tmp_path, storage=url)
    with pytest.raises(BadInput, match=f"cannot be opened: there is no folder {tmp_path}/no$"):
        refuse_other_meaning(study)
    assert not (tmp_path / "no").exists()


def test_not_a_database(tmp_path: Path) -> None:
    file = tmp_path / "text.db"
    file.write_text("text, and not a database\n" * 10)
    before = file.read_bytes()
    assert refused(f"sqlite:///{file}") == f"sqlite:///{file}: cannot be opened: file is not a database"
    assert file.read_bytes() == before


@pytest.mark.parametrize(("driver", "package"), [("psycopg", "'psycopg[binary]'"), ("psycopg2", "psycopg2-binary")])
def test_no_server_or_no_driver(driver: str, package: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    line = refused(f"postgresql+{driver}://me:{SECRET}@127.0.0.1:{port}/db")
    assert line.startswith(f"postgresql+{driver}://me:***@127.0.0.1:{port}/db: cannot be opened: ")
    if importlib.util.find_spec(driver) is None:
        assert line.endswith(f": {driver} is not installed; pip install {package}")
    else:
        assert "refused" in line


@pytest.mark.parametrize(
    "url", [f"postgresql://me:{SECRET}@host:port/db", f"nonsense://me:{SECRET}@h/db", f"me:{SECRET}@h", "", "no url"]
)
def test_not_a_url(url: str) -> None:
    assert ": cannot be opened: " in refused(url) or url == ""


def test_names_and_unknown_studies(tmp_path: Path) -> None:
    study = make(tmp_path)
    assert study_names(study.storage) == []
    assert not (tmp_path / "mlruns" / "studies.db").exists()
    opened(study)
    opened(make(tmp_path, study="digits"))
    assert sorted(study_names(study.storage)) == ["digits", "toys"]
    with pytest.raises(BadInput) as caught:
        read_study(study.storage, "toy")
    line = "unknown study 'toy'; did you mean 'toys'? (allowed: digits, toys)"
    assert str(caught.value) == f"{study.storage}: {line}"


def test_a_study_without_trials(tmp_path: Path) -> None:
    study = make(tmp_path)
    ledger = opened(study)
    ledger.ask()
    stored = read_study(study.storage, study.name)
    assert (stored.metrics, stored.front, stored.best_by_metric, len(stored.trials)) == (["val_loss"], [], [], 1)


@pytest.mark.parametrize("seed", range(4))
def test_the_front_against_every_pair(seed: int, tmp_path: Path) -> None:
    """TWO: the first objective up, the second down; few different values, so that ties and copies occur."""
    chance = random.Random(seed)
    study = make(tmp_path, objectives=TWO, sampler="random", budget={"trials": 14})
    ledger = opened(study)
    points: dict[int, tuple[int, int]] = {}
    for number in range(14):
        assert ledger.ask().number == number
        up, down = chance.randint(0, 4), chance.randint(0, 4)
        state = chance.choice(["COMPLETE", "COMPLETE", "COMPLETE", "PRUNED", "FAIL"])
        if state == "COMPLETE":
            points[number] = (up, down)
        tell(ledger, number, state, {"val_accuracy": float(up), "val_loss": float(down)})

    def beaten(number: int) -> bool:
        up, down = points[number]
        return any(u >= up and d <= down and (u, d) != (up, down) for u, d in points.values())

    best = {number for number in points if not beaten(number)}
    stored = read_study(study.storage, study.name)
    assert {row.number for row in stored.front} == best
    assert len(stored.front) == len(best)
    ups = [points[number][0] for number in (row.number for row in stored.front)]
    assert ups == sorted(ups, reverse=True)
    assert [points[stored.best_by_metric[0].number][0], points[stored.best_by_metric[1].number][1]] == [
        max(up for up, _ in points.values()),
        min(down for _, down in points.values()),
    ]
    assert stored.metrics == ["val_accuracy", "val_loss"]


def test_one_objective_and_a_foreign_study(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/o.db"
    foreign = optuna.create_study(study_name="f", storage=url, direction="maximize")
    for x, number in itertools.product((1.0, 3.0, 2.0), range(1)):
        foreign.add_trial(
            optuna.trial.create_trial(
                value=x + number, params={"x": x}, distributions={"x": optuna.distributions.FloatDistribution(0, 9)}
            )
        )
    stored = read_study(url, "f")
    assert stored.metrics == ["value 0"]
    assert [row.number for row in stored.front] == [row.number for row in stored.best_by_metric] == [1]
    first = stored.trials[0]
    assert (first.params, first.config, first.values) == ({"x": 1.0}, {}, (1.0,))


def test_migrations_are_read_for_a_new_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And for one whose maker was killed before it said of which schema it is, and where the newest is not known."""
    url = f"sqlite:///{tmp_path}/x.db"
    open_storage(url)
    read: list[str] = []
    real = _VersionManager._create_alembic_script
    monkeypatch.setattr(
        _VersionManager, "_create_alembic_script", lambda manager: (read.append(manager.url), real(manager))[1]
    )
    open_storage(url)
    assert not read
    with monkeypatch.context() as patch:
        patch.setattr(storage, "migrations", lambda *_: Migrations(frozenset(), None))
        open_storage(url)
    assert len(read) == 1
    read.clear()
    with closing(sqlite3.connect(tmp_path / "x.db")) as connection, connection:
        connection.execute("DELETE FROM alembic_version")
    assert open_storage(url).get_all_studies() == []
    assert read
    with closing(sqlite3.connect(tmp_path / "x.db")) as connection, connection:
        assert connection.execute("SELECT COUNT(*) FROM alembic_version").fetchone() == (1,)
        connection.execute("UPDATE alembic_version SET version_num = 'v9.0.0'")
    assert "no longer compatible" in refused(url)

"""A study on PostgreSQL: a server of its own on loopback, thrown away afterwards."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sparsetune.base.errors import BadInput
from sparsetune.search.definition import refuse_other_meaning
from sparsetune.search.storage import open_storage, read_study

from .toys import finish, make, opened, told, work

pytestmark = pytest.mark.slow


def binaries() -> Path | None:
    found = shutil.which("pg_ctl")
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    return Path(found).parent if found else installed[-1].parent if installed else None


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of an empty database; PostgreSQL refuses to run as root, so root runs it as its own user."""
    drivers = [name for name in ("psycopg", "psycopg2") if importlib.util.find_spec(name)]
    if not drivers:
        pytest.skip("wants a driver (pip install 'psycopg[binary]')")
    folder = binaries()
    if folder is None:
        pytest.skip("wants PostgreSQL's pg_ctl on PATH or in /usr/lib/postgresql")
    user = "postgres" if os.geteuid() == 0 else None
    home = Path(tempfile.mkdtemp(prefix="sparsetune-pg-"))
    if user:
        shutil.chown(home, user)

    def run(name: str, *options: str) -> None:
        command = [str(folder / name), "-D", str(home / "data"), *options]
        done = subprocess.run(command, user=user, cwd=home, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    try:
        run("initdb", "--auth=trust", "--username=me", "--no-sync")
        run("pg_ctl", "-w", "-l", str(home / "log"), "-o", f"-h 127.0.0.1 -p {port} -k {home} -F", "start")
        try:
            yield f"postgresql+{drivers[0]}://me:tops3cret@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(home)


def test_reopened_before_and_inside_every_trial(server: str, tmp_path: Path) -> None:
    whole = told(finish(make(tmp_path / "file")))
    study = make(tmp_path / "server", storage=server)
    while len(opened(study)) < study.budget.trials:
        opened(study).ask()
        ledger = opened(study)
        (running,) = [trial for trial in ledger.trials() if trial.state == "RUNNING"]
        work(ledger, running)
    assert told(opened(study)) == whole
    assert len(read_study(server, study.name).trials) == len(whole)
    assert not list((tmp_path / "server" / "mlruns").iterdir())


def test_another_meaning_is_refused(server: str, tmp_path: Path) -> None:
    opened(make(tmp_path, storage=server, study="meaning"))
    with pytest.raises(BadInput, match="seed: 0 -> 3"):
        refuse_other_meaning(make(tmp_path, storage=server, study="meaning", seed=3))


def test_no_such_database(server: str) -> None:
    with pytest.raises(BadInput) as caught:
        open_storage(server.replace("/postgres", "/other"))
    line = str(caught.value)
    assert 'database "other" does not exist' in line
    assert "tops3cret" not in line

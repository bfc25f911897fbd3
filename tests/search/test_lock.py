"""One driver a study: held by a live process, which is named, and freed by its death."""

from __future__ import annotations

import fcntl
import os
import platform
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from sparsetune.base.errors import BadInput
from sparsetune.search.lock import Holder, hold, holder_of, lock_of, place, refuse_if_held

from .toys import make

HOLDER = """
import sys
from pathlib import Path
from sparsetune.search.lock import hold
with hold(Path(sys.argv[1]), "toys"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "locks" / "toys.lock"


@pytest.fixture
def holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock until its input ends."""
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def said(path: Path, act: str) -> str:
    with pytest.raises(BadInput) as caught:
        refuse_if_held(path, "toys") if act == "ask" else ExitStack().enter_context(hold(path, "toys"))
    return str(caught.value)


@pytest.mark.parametrize("act", ["ask", "hold"])
def test_a_live_holder_is_named(act: str, path: Path, holder: subprocess.Popen[str]) -> None:
    before = path.read_bytes()
    line = said(path, act)
    assert line.startswith(f"{path}: study 'toys' is being run by process {holder.pid} on {platform.node()}, since 2")
    assert line.endswith("; wait for it, or end it first")
    assert path.read_bytes() == before


def test_a_killed_holder_holds_nothing(path: Path, holder: subprocess.Popen[str]) -> None:
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    refuse_if_held(path, "toys")
    with hold(path, "toys"):
        assert f'"pid": {os.getpid()},' in path.read_text()


def test_a_holder_that_ends_holds_nothing(path: Path, holder: subprocess.Popen[str]) -> None:
    holder.communicate("")
    with hold(path, "toys"), pytest.raises(BadInput), hold(path, "toys"):
        pass
    with hold(path, "toys"):
        pass


def test_one_who_only_asks_refuses_no_driver(path: Path) -> None:
    """`sparsetune status --watch` asks every few seconds."""
    path.parent.mkdir()
    asking = path.open("a+b")
    fcntl.flock(asking, fcntl.LOCK_SH)
    threading.Timer(0.02, asking.close).start()
    with hold(path, "toys"):
        assert asking.closed


def test_freed_by_an_error(path: Path) -> None:
    with pytest.raises(RuntimeError), hold(path, "toys"):
        raise RuntimeError
    refuse_if_held(path, "toys")


def test_asking_writes_nothing(path: Path) -> None:
    refuse_if_held(path, "toys")
    assert not path.parent.exists()


def test_a_holder_that_cannot_be_read(path: Path, holder: subprocess.Popen[str]) -> None:
    path.write_text("")
    assert "is being run by another process;" in said(path, "ask")


def test_a_live_driver_is_named_and_one_that_ended_is_not(tmp_path: Path) -> None:
    lock = tmp_path / "locks" / "toys.lock"
    assert holder_of(lock) is None
    before = time.time()
    with hold(lock, "toys"):
        found = holder_of(lock)
        assert found is not None
        assert (found.pid, found.host) == (os.getpid(), platform.node())
        assert before - 2 < found.since_ms / 1000 <= time.time()
    assert lock.exists()
    assert holder_of(lock) is None


def test_a_driver_that_cannot_be_read_holds_it_nevertheless(tmp_path: Path) -> None:
    lock = tmp_path / "toys.lock"
    with hold(lock, "toys"):
        lock.write_text("")
        assert holder_of(lock) == Holder(0, "", 0)


def test_it_is_the_lock_that_a_study_takes(tmp_path: Path) -> None:
    server = "postgresql://me@127.0.0.1/x"
    for changes in ({}, {"study": "a [b]/c"}, {"storage": f"sqlite:///{tmp_path}/else/x.db"}, {"storage": server}):
        study = make(tmp_path, **changes)
        assert lock_of(study.storage, study.project.runs, study.name) == place(
            study.storage, study.project.runs, study.name
        )
    assert lock_of(server, None, "toys") is None

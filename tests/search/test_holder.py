"""Whether a live driver runs a study."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path

from sparsetune.search.lock import Holder, hold, holder_of, lock_of, place

from .toys import make


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

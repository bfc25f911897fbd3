"""Whether a live driver runs a study, and which."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from sparsetune.base.errors import BadInput
from sparsetune.base.stores.sqlite import sqlite_path
from sparsetune.search.lock import place_in, refuse_if_held, since


@dataclass(frozen=True)
class Holder:
    """The process that runs a study. ``since_ms`` in Unix milliseconds, 0 if it could not be read."""

    pid: int
    host: str
    since_ms: int


def lock_of(url: str, runs: Path | None, study: str) -> Path | None:
    """The study's lock file; None for a server's study without a project (``runs``, its ``mlruns/``)."""
    database = sqlite_path(url)
    return place_in(database, runs or Path(), study) if database or runs else None


def holder_of(lock: Path, study: str) -> Holder | None:
    """Who holds the lock; None if nobody does, whatever the file says of one that has died. Writes nothing."""
    try:
        refuse_if_held(lock, study)
    except BadInput:
        try:
            said = json.loads(lock.read_text())
            since_ms = int(since(said["since"]).timestamp() * 1000)
            return Holder(int(said["pid"]), str(said["host"]), since_ms)
        except (OSError, ValueError, KeyError, TypeError):
            return Holder(0, "", 0)
    return None

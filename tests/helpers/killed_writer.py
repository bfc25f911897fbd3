"""A writer of an SQLite file that was killed in the middle of a transaction."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_SCRIPT = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size = 1")
connection.execute("BEGIN IMMEDIATE")
connection.execute("CREATE TABLE more (x)")
connection.executemany("INSERT INTO more VALUES (?)", [("x" * 1000,) for _ in range(100)])
os.kill(os.getpid(), signal.SIGKILL)
"""


def leave_half_a_transaction(path: Path) -> None:
    """What a killed writer leaves: a file with half of a transaction in it, and a journal that can undo it."""
    subprocess.run([sys.executable, "-c", _SCRIPT, str(path)], check=False)

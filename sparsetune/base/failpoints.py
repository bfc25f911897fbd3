"""Named points at which a test can kill the process, to show that nothing is lost there.

``SPARSETUNE_FAILPOINT=name:n:marker`` sends SIGKILL to the process at its n-th passing of ``name``, unless the file
``marker`` exists; it is created first, so that the process which takes over lives. Without the variable a point costs
one look into a dictionary.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from pathlib import Path

VARIABLE = "SPARSETUNE_FAILPOINT"
_passed: Counter[str] = Counter()


def failpoint(name: str) -> None:
    """Die here if the environment asks for it."""
    order = os.environ.get(VARIABLE)
    if order is None:
        return
    wanted, count, marker = order.split(":", 2)
    if wanted != name:
        return
    _passed[name] += 1
    if _passed[name] == int(count) and not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)

"""What Python does by itself, done otherwise: it looks for garbage less often and repeats no warning for each trial."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_SAID: set[tuple[type[Warning], str, int]] = set()
RARELY = 20_000  # new objects that wait for a look


@contextmanager
def said_once() -> Iterator[None]:
    """What a line of code warns of inside is shown once a process, in whatever words it says it again.

    Python promises as much, and forgets it whenever any code changes the filters of warnings.
    """
    with warnings.catch_warnings(record=True) as said:
        yield
    for each in said:
        where = (each.category, each.filename, each.lineno)
        if where not in _SAID:
            _SAID.add(where)
            warnings.showwarning(each.message, each.category, each.filename, each.lineno)


@contextmanager
def rarely_collected() -> Iterator[None]:
    """Within, look less often: a transaction makes thousands of objects that live for milliseconds.

    By default Python looks at each 700 new ones, and a driver spent a fortieth of its time there.
    """
    before = gc.get_threshold()
    if before[0]:  # else it never looks, as somebody wants it
        gc.set_threshold(max(before[0], RARELY), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)

"""Warnings of libraries that say the same of every trial."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_SAID: set[tuple[type[Warning], str, int]] = set()


@contextmanager
def said_once() -> Iterator[None]:
    """What a line of code warns of inside is shown once a process, in whatever words it says it again.

    Python promises as much, and forgets it whenever any code changes the filters of warnings.
    """
    with warnings.catch_warnings(record=True) as found:
        yield
    for each in found:
        where = (each.category, each.filename, each.lineno)
        if where not in _SAID:
            _SAID.add(where)
            warnings.showwarning(each.message, each.category, each.filename, each.lineno)

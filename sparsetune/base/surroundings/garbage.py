"""How often Python looks for garbage in cycles."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

RARELY = 20_000  # new objects that wait for a look


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

"""Work that is done in threads before its results are wanted."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def ahead(work: Callable[[T], R], items: Iterable[T], *, threads: int, depth: int) -> Iterator[R]:
    """``work(item)`` of each item, in order; at most ``depth`` of them are begun and not yet taken.

    An error in ``work`` is raised where its result would have come; what was not begun by then is not done.
    """
    coming: deque[Future[R]] = deque()
    left = iter(items)
    with ThreadPoolExecutor(threads) as pool:
        try:
            coming.extend(pool.submit(work, item) for item in islice(left, depth))
            while coming:
                result = coming.popleft().result()
                coming.extend(pool.submit(work, item) for item in islice(left, 1))
                yield result
        finally:  # also where whoever takes the results stops early
            for future in coming:
                future.cancel()

"""One process at a time, by a lock file that the operating system frees when its holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def locked(path: Path, waits: Callable[[], object] | None = None) -> Iterator[None]:
    """Hold the lock; waits for whoever has it, and tells ``waits`` so. The file is gone afterwards."""
    file = _opened(path, wait=False)
    if file is None:
        if waits is not None:
            waits()
        file = _opened(path, wait=True)
    assert file is not None
    with file:
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


@contextmanager
def locked_now(path: Path) -> Iterator[bool]:
    """Hold the lock if nobody else has it; gives whether it is held."""
    file = _opened(path, wait=False)
    if file is None:
        yield False
        return
    with file:
        try:
            yield True
        finally:
            path.unlink(missing_ok=True)


def _opened(path: Path, *, wait: bool) -> IO[str] | None:
    """The locked file. One that was removed while this process waited locks nothing: it is opened anew."""
    while True:
        file = path.open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(file.fileno()).st_ino == path.stat().st_ino:
                return file
        except FileNotFoundError:
            pass
        except BlockingIOError:
            file.close()
            return None
        except BaseException:
            file.close()
            raise
        file.close()

"""One process at a time, by a lock file that the operating system frees when its holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def locked(path: Path, waits: Callable[[], object] | None = None, *, wait: bool = True) -> Iterator[bool]:
    """Hold the lock, and give whether it is held. The file is gone afterwards.

    Args:
        waits: called where another process has it, before it is waited for.
        wait: else it is not held where another process has it.
    """
    file = _opened(path, wait=False)
    if file is None and wait:
        if waits is not None:
            waits()
        file = _opened(path, wait=True)
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

"""A stream that cannot fail: once the other end is gone, what is written goes nowhere."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import IO, Any, TypeVar, cast

T = TypeVar("T")


class Unbreakable:
    """Wraps a text stream. A closed file, a pipe without a reader or a full disk silences it for good."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._broken = False

    def write(self, text: str) -> int:
        self._try(self._file.write, text)
        return len(text)

    def flush(self) -> None:
        self._try(self._file.flush)

    def isatty(self) -> bool:
        return bool(self._try(self._file.isatty))

    def _try(self, call: Callable[..., T], *arguments: str) -> T | None:
        if self._broken:
            return None
        try:
            return call(*arguments)
        except (OSError, ValueError):  # ValueError: the file is closed
            self._broken = True
            self._divert()
        return None

    def _divert(self) -> None:
        """Python flushes its streams at exit, which would fail once more and change the exit code."""
        try:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._file.fileno())
            os.close(nowhere)
        except (OSError, ValueError):
            pass  # not a file of the system, or closed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def unbreakable(file: IO[str]) -> IO[str]:
    """The stream, wrapped unless it is already."""
    return file if isinstance(file, Unbreakable) else cast(IO[str], Unbreakable(file))

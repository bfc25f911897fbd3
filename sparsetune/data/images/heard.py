"""What libraries say of an image beside its pixels, on the error stream that they share: it names no file.

C libraries write to ``stderr`` of the C library, which is a variable in glibc and is pointed at a file in memory
meanwhile; what Python itself prints goes other ways and stays what it is. Python's warnings are noted there too.
Threads share that file, so whoever sees it grow asks again, alone.
"""

from __future__ import annotations

import ctypes
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

_UNBUFFERED = 2  # _IONBF


class Heard:
    """What was said so far; without glibc nothing is heard, and all is printed as ever."""

    def __init__(self, file: int | None) -> None:
        self._file = file

    def __len__(self) -> int:
        return 0 if self._file is None else os.fstat(self._file).st_size

    def since(self, start: int) -> list[str]:
        """The lines that were said after so many bytes."""
        if self._file is None:
            return []
        text = os.pread(self._file, len(self) - start, start).decode(errors="replace")
        return [line.strip() for line in text.splitlines() if line.strip()]


@contextmanager
def listening() -> Iterator[Heard]:
    """Within it, what C libraries and Python's warnings say is kept instead of printed."""
    kept = _kept()
    if kept is None:
        yield Heard(None)
        return
    file, stream, pointer = kept
    os.ftruncate(file, 0)

    def note(message: Warning | str, *_: Any) -> None:
        os.write(file, f"{message}\n".encode(errors="backslashreplace"))

    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.simplefilter("always", RuntimeWarning)
        warnings.showwarning = note  # type: ignore[assignment]
        sys.stderr.flush()
        before, pointer.value = pointer.value, stream
        try:
            yield Heard(file)
        finally:
            pointer.value = before


@cache
def _kept() -> tuple[int, int, ctypes.c_void_p] | None:
    """A file in memory, C's stream that appends to it, and C's variable ``stderr``."""
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "gnu_get_libc_version"):  # elsewhere the variable is a constant
        return None
    file = os.memfd_create("heard")
    libc.fdopen.restype = ctypes.c_void_p
    stream = libc.fdopen(file, b"a")
    if not stream:
        return None
    libc.setvbuf(ctypes.c_void_p(stream), None, _UNBUFFERED, ctypes.c_size_t(0))
    return file, stream, ctypes.c_void_p.in_dll(libc, "stderr")

"""Where workers look for modules: where this process does, in its order.

Ray would put the current folder before all others, so that a ``statistics.py`` that lies there is run by each worker
in place of Python's.
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from ray.job_config import JobConfig


class SamePath(JobConfig):
    """A job whose workers have this process's path before their own.

    ``whole``: all of it, for workers of the same environment; else what comes before the standard library.
    """

    def __init__(self, *, whole: bool) -> None:
        super().__init__(runtime_env=environment(sys.executable) if whole else None)
        self._whole = whole

    def _serialize(self) -> str:
        path = module_path(sys.path)
        self._py_driver_sys_path = (path if self._whole else before_library(path))[::-1]  # each is put in front
        self._cached_pb = None
        serialized: str = super()._serialize()
        return serialized


def environment(python: str) -> dict[str, str] | None:
    """What workers need to start where a shell misreads the interpreter's path, which Ray hands to one unquoted."""
    return None if shlex.quote(python) == python else {"py_executable": shlex.quote(python)}


def module_path(path: list[str]) -> list[str]:
    """The path for a process in another folder: absolute."""
    return [str(Path(each).absolute()) for each in path]


def before_library(path: list[str]) -> list[str]:
    """The folders that come before the standard library: of the script, of PYTHONPATH."""
    library = str(Path(os.__file__).parent)
    return path[: path.index(library)] if library in path else path

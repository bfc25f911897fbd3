"""Folders that a process may write to, or make: found out by looking, not by trying."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from sparsetune.base.errors import BadInput


def why_not_written(folder: str | Path) -> str:
    """What keeps files from being made in a folder that is made first if need be; empty if nothing does."""
    path = Path(folder).absolute()
    there = next(each for each in (path, *path.parents) if os.path.lexists(each))
    if not is_folder(there):
        return f"{in_words(there)} is no folder"
    return "" if os.access(there, os.W_OK | os.X_OK) else f"{in_words(there)} cannot be written"


def why_no_folder(folder: str | Path) -> str:
    """What keeps a folder from being one; empty if nothing does."""
    if is_folder(folder):
        return ""
    return f"{in_words(folder)} is {'no folder' if os.path.lexists(folder) else 'not there'}"


def is_folder(path: str | Path) -> bool:
    """Whether it is a folder, as far as this user can see."""
    try:
        return Path(path).is_dir()
    except OSError:  # pathlib passes on that a folder above cannot be entered
        return False


def in_words(path: str | Path) -> str:
    """A path as text that every terminal takes, also where it is not UTF-8."""
    return os.fsencode(path).decode(errors="backslashreplace")


def private_folder() -> Path:
    """A folder that is this user's alone, below the temporary folder; the same at each start, if nobody has taken it.

    Raises :class:`BadInput` where there is no temporary folder either.
    """
    try:
        folder = Path(tempfile.gettempdir(), f"sparsetune-{os.getuid()}")
        if not os.path.lexists(folder):
            folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
        return folder if ours else Path(tempfile.mkdtemp(prefix="sparsetune-"))
    except OSError as error:
        problem = f"no temporary folder can be written ({error.strerror}), allowed: a folder that can"
        raise BadInput(problem, key="TMPDIR") from None

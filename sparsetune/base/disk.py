"""What a disk takes: errors of one that takes no more, and folders that a process may write to or make.

Folders are looked at, not tried. What a disk refuses is told from other errors, whichever library says it.
"""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from pathlib import Path

from sparsetune.base.errors import BadInput

_ERRNOS = {errno.ENOSPC: "no space left", errno.EDQUOT: "quota exceeded", errno.EROFS: "read-only"}
_SQLITE = {"database or disk is full": "no space left", "attempt to write a readonly database": "read-only"}


class CannotWrite(Exception):
    """Results cannot be kept for now. What was finished is safe; the study goes on from there once there is room."""


def disk_trouble(error: BaseException | None) -> str | None:
    """What a disk has against it, in one line, if that is the cause of an error; else None."""
    while error is not None:
        if isinstance(error, CannotWrite):
            return str(error)
        if isinstance(error, OSError) and error.errno in _ERRNOS:
            return f"{_ERRNOS[error.errno]}: {error.filename}" if error.filename else _ERRNOS[error.errno]
        if type(error).__module__ == "sqlite3":
            for message, meaning in _SQLITE.items():
                if message in str(error):
                    return f"{meaning} for the database"
        error = error.__cause__ or error.__context__
    return None


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
        status = folder.lstat()
        ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o077
        return folder if ours else Path(tempfile.mkdtemp(prefix="sparsetune-"))
    except OSError as error:
        problem = f"no temporary folder can be written ({error.strerror})"
        raise BadInput(problem, allowed="a folder that can", key="TMPDIR", code="unavailable") from None

"""A disk that takes no more: told from other errors, whichever library says it."""

from __future__ import annotations

import errno

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

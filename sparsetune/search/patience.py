"""A storage that is locked or away for a while costs time, not the study."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from optuna.exceptions import StorageInternalError

from sparsetune.base.disk import CannotWrite, disk_trouble

T = TypeVar("T")

_ATTEMPTS = 20  # about eight minutes for a server that refuses at once
_LONGEST = 30.0  # seconds between two attempts


class Patient:
    """Calls the storage again, with growing pauses, while it fails. One warning for each time that it is away."""

    def __init__(self, warn: Callable[[str], None], wait: Callable[[float], None] = time.sleep) -> None:
        self._warn = warn
        self._wait = wait

    def __call__(self, call: Callable[..., T], *arguments: Any) -> T:
        """The result of the call; raises what the last attempt raised, and CannotWrite at once for a full disk."""
        for attempt in range(_ATTEMPTS - 1):
            try:
                return call(*arguments)
            except StorageInternalError as error:
                trouble = disk_trouble(error)
                if trouble is not None:  # waiting makes no room, and the trials that run have their checkpoints
                    raise CannotWrite(trouble) from error
                if attempt == 0:
                    reason = " ".join(str(error.__cause__ or error).split())[:200]
                    self._warn(f"the storage does not answer, trying again: {reason}")
                self._wait(min(2.0**attempt, _LONGEST))
        return call(*arguments)

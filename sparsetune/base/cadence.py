"""How often something happens: ``5ep`` (epochs) or ``10s`` (seconds)."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

_FORM = re.compile(r"^(\d+(?:\.\d+)?)\s*(ep|s)$")


class Cadence:
    """Says when the next report or checkpoint is due. The first is due after a full period."""

    def __init__(self, every: str, clock: Callable[[], float] = time.monotonic) -> None:
        match = _FORM.match(every)
        if match is None or float(match[1]) <= 0 or (match[2] == "ep" and not float(match[1]).is_integer()):
            raise ValueError(f"{every!r}: a duration such as '1ep' or '10s' is wanted")
        self._period = float(match[1])
        self._by_epochs = match[2] == "ep"
        self._clock = clock
        self._last = 0.0 if self._by_epochs else clock()

    def due(self, epoch: float) -> bool:
        """True when a period has passed, after ``epoch`` epochs; the next period starts now."""
        now = float(epoch) if self._by_epochs else self._clock()
        if now - self._last < self._period:
            return False
        self._last = now
        return True

"""How long something lasts, ``10ep`` (epochs) or ``500it`` (iterations, the steps of the optimiser), and how often
something happens, ``5ep`` or ``10s`` (seconds)."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

_LENGTH = re.compile(r"(\d+)\s*(ep|it)")
_PERIOD = re.compile(r"^(\d+(?:\.\d+)?)\s*(ep|s)$")


@dataclass(frozen=True)
class Duration:
    """A whole number of epochs or of iterations, 0 or more."""

    count: int
    unit: Literal["ep", "it"] = "ep"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ``ValueError`` for what is none."""
        match = _LENGTH.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"found {text!r}, allowed: a duration such as '10ep' (epochs) or '500it' (iterations)")
        return cls(int(match[1]), "ep" if match[2] == "ep" else "it")

    def iterations(self, epoch: int) -> int:
        """In iterations, where an epoch has so many."""
        return self.count * epoch if self.unit == "ep" else self.count

    def __str__(self) -> str:
        return f"{self.count}{self.unit}"


@dataclass(frozen=True)
class Share:
    """A fraction of a duration, 0 to 1, in iterations: the nearest whole number."""

    fraction: float
    whole: Duration
    unit: ClassVar[str] = "it"

    @property
    def count(self) -> bool:
        """Whether it is more than nothing, of a whole that is long enough."""
        return self.fraction > 0

    def iterations(self, epoch: int) -> int:
        """As of :class:`Duration`."""
        return round(self.fraction * self.whole.iterations(epoch))

    def __str__(self) -> str:
        return f"{self.fraction:g} of {self.whole}"


@dataclass(frozen=True)
class Rest:
    """What is left of a duration after a part of it."""

    whole: Duration
    part: Duration | Share
    unit: ClassVar[str] = "it"

    @property
    def count(self) -> bool:
        """It is more than nothing."""
        return True

    def iterations(self, epoch: int) -> int:
        """As of :class:`Duration`."""
        return self.whole.iterations(epoch) - self.part.iterations(epoch)

    def __str__(self) -> str:
        return f"{self.whole} less {self.part}"


Length = Duration | Share | Rest
"""What has iterations once one knows how many an epoch has."""


class Cadence:
    """Says when the next report or checkpoint is due. The first is due after a full period."""

    def __init__(self, every: str, clock: Callable[[], float] = time.monotonic) -> None:
        match = _PERIOD.match(every)
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

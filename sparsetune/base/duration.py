"""How long something lasts: ``10ep`` (epochs) or ``500it`` (iterations, the steps of the optimiser)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, Self

_FORM = re.compile(r"(\d+)\s*(ep|it)")


@dataclass(frozen=True)
class Duration:
    """A whole number of epochs or of iterations, 0 or more."""

    count: int
    unit: Literal["ep", "it"] = "ep"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ``ValueError`` for what is none."""
        match = _FORM.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"found {text!r}, allowed: a duration such as '10ep' (epochs) or '500it' (iterations)")
        return cls(int(match[1]), "ep" if match[2] == "ep" else "it")

    def iterations(self, epoch: int) -> int:
        """In iterations, where an epoch has so many."""
        return self.count * epoch if self.unit == "ep" else self.count

    def __str__(self) -> str:
        return f"{self.count}{self.unit}"

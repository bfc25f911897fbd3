"""Procedures one after the other, as one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sparsetune.sparsity.session import Session
from sparsetune.sparsity.stage import Procedure, Yielded


@dataclass(frozen=True)
class InTurn:
    """Yields the number of the procedure that runs, and its state."""

    procedures: tuple[Procedure, ...]

    def __call__(self, session: Session, state: tuple[int, Any] | None = None) -> Iterator[Yielded]:
        first, inner = state or (0, None)
        for number, procedure in enumerate(self.procedures[first:], first):
            for of_it, share in procedure(session, inner) or ():
                yield (number, of_it), (number + share) / len(self.procedures)
            inner = None

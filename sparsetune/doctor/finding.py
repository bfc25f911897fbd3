"""What a check says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from sparsetune.base.paths import Project

State = Literal["ok", "note", "problem"]


@dataclass(frozen=True)
class Finding:
    """One line of the report: ok, a note (it works, but ...) or a problem (it does not), and what mends it."""

    state: State
    what: str
    found: str
    mend: str = ""


Check = Callable[[Project | None], Iterator[Finding]]  # without a project it looks at the machine alone

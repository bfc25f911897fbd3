"""The trials of a study as its storage has them, by number."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sparsetune.base.errors import BadInput
from sparsetune.base.layout.text import listed
from sparsetune.base.messages import Trial

if TYPE_CHECKING:
    from sparsetune.search.storage import StoredStudy


@dataclass(frozen=True)
class Stored:
    """A study's name, and what is stored of it."""

    name: str
    stored: StoredStudy

    def trial(self, number: int, branch: str = "") -> Trial:
        """As :func:`trial_of`."""
        return trial_of(self.stored, number, branch)

    def config(self, number: int, branch: str = "") -> dict[str, Any]:
        """As :func:`config_of`."""
        return config_of(self.trial(number, branch))


def trial_of(stored: StoredStudy, number: int, branch: str = "") -> Trial:
    """One trial, of a forked one a branch's row where it is named; raises :class:`BadInput`, ``key`` the argument."""
    whole = next((trial for trial in stored.trials if trial.number == number), None)
    if whole is None:
        raise BadInput(key="number", found=str(number), allowed=_span(stored.trials))
    rows = {row.branch: row for row in stored.rows if row.number == number}
    if branch and branch not in rows:
        raise BadInput.unknown("branch", branch, filter(None, rows), key="branch")
    return rows.get(branch, whole)


def config_of(trial: Trial) -> dict[str, Any]:
    """Its whole config, as a copy; raises :class:`BadInput` for a forked trial, of which a branch is to be named."""
    if len(trial.branches) > 1:
        names = ", ".join(each.name for each in trial.branches)
        raise BadInput(f"trial {trial.number} has several", key="branch", allowed=names, code="missing")
    return copy.deepcopy(trial.config)


def _span(trials: Sequence[Trial]) -> str:
    numbers = [trial.number for trial in trials]
    return f"0 to {len(numbers) - 1}" if numbers == list(range(len(numbers))) else listed(numbers, 8)

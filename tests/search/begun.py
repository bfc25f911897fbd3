"""Studies of toys that begin with something, and a record of what was trained."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sparsetune.base.messages import Trial
from sparsetune.config.study.study import Study
from sparsetune.search.ledger import Ledger
from sparsetune.search.points import Points

from .toys import ENVIRONMENT, make, work


def begin(study: Study, warnings: list[str] | None = None, environment: Mapping[str, str] = ENVIRONMENT) -> Ledger:
    """Open a study as ``study.py`` does."""
    warn = (warnings if warnings is not None else []).append
    return Ledger(study, environment, warn, points=Points.of(study, warn))


def go_on(ledger: Ledger) -> list[int]:
    """Run to the end of the budget; returns the numbers of the trials that were trained."""
    trained = []
    for trial in ledger.trials():
        if trial.state == "RUNNING":
            trained.append(work(ledger, trial).number)
    while not ledger.spent:
        trial = ledger.ask()
        if trial.state == "RUNNING":
            trained.append(work(ledger, trial).number)
    return trained


def run(root: Path, name: str, **changes: Any) -> list[Trial]:
    """A whole study of that name; the storage of ``root`` has it then."""
    ledger = begin(make(root, study=name, **changes))
    go_on(ledger)
    return ledger.trials()

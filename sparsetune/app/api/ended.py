"""A run of a study that has left files, by the trial's number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparsetune.base.errors import BadInput
from sparsetune.base.layout.text import listed
from sparsetune.base.messages import SAME_AS, Run, Trial

if TYPE_CHECKING:
    from sparsetune.app.api.result import StudyResult


def ended_run(result: StudyResult, number: int, branch: str, seed: int | None, wanted: str) -> tuple[Trial, Run]:
    """The trial and the one of its runs that is meant.

    Args:
        branch: of a forked trial.
        seed: of a trial with several replicates.
        wanted: what is asked of it: "ticket".

    Raises:
        BadInput: no such run (``key`` names the argument), or one that has left no files of its own.
    """
    trial = result.trial(number)
    run = _run(result, trial, branch, seed)
    missing = f"trial {number} of study {result.name!r} has no {wanted}"
    if SAME_AS in run.notes:
        raise BadInput(f"{missing} of its own: its results are those of {run.notes[SAME_AS]}")
    if trial.state not in ("COMPLETE", "PRUNED", "FAIL"):
        raise BadInput(f"{missing} yet: it has not ended")
    if run.state != "COMPLETE":
        raise BadInput(f"{missing}: {_end(run)}")
    return trial, run


def _run(result: StudyResult, trial: Trial, branch: str, seed: int | None) -> Run:
    result.config(trial.number, branch)  # refuses an unknown branch, and several without a choice
    runs = [run for run in trial.runs if run.key.branch == branch or len(trial.branches) == 1]
    chosen = runs if seed is None else [run for run in runs if run.key.seed == seed]
    if len(chosen) == 1:
        return chosen[0]
    seeds = listed([run.key.seed for run in runs], 8)
    found = f"trial {trial.number} has several runs" if seed is None else f"found {seed}"
    raise BadInput(f"{found}, allowed: {seeds}", key="seed")


def _end(run: Run) -> str:
    """Why it is not complete."""
    if run.state == "PRUNED":
        return f"it was {run.reason or 'pruned'}"
    return f"it failed: {run.reason or 'no reason given'}"

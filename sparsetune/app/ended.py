"""A run of a study that has ended, by its trial's number, and the files that it has left."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sparsetune.base.errors import BadInput
from sparsetune.base.layout.text import listed
from sparsetune.base.messages import SAME_AS, Run, Trial
from sparsetune.base.paths import TICKET

if TYPE_CHECKING:
    from sparsetune.base.paths import Project
    from sparsetune.search.storage import StoredStudy
    from sparsetune.tracking.left import Left


class HasTrials(Protocol):
    """What is asked of a study's result here."""

    @property
    def name(self) -> str: ...

    @property
    def stored(self) -> StoredStudy: ...

    def trial(self, number: int, branch: str = "") -> Trial: ...

    def config(self, number: int, branch: str = "") -> dict[str, Any]: ...


def ended_run(result: HasTrials, number: int, branch: str, seed: int | None, wanted: str) -> tuple[Trial, Run]:
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
    why = ""
    if SAME_AS in run.notes:
        why = f" of its own: its results are those of {run.notes[SAME_AS]}"
    elif trial.state not in ("COMPLETE", "PRUNED", "FAIL"):
        why = " yet: it has not ended"
    elif run.state == "PRUNED":
        why = f": it was {run.reason or 'pruned'}"
    elif run.state != "COMPLETE":
        why = f": it failed: {run.reason or 'no reason given'}"
    if why:
        raise BadInput(f"trial {number} of study {result.name!r} has no {wanted}{why}", code="missing")
    return trial, run


def _run(result: HasTrials, trial: Trial, branch: str, seed: int | None) -> Run:
    result.config(trial.number, branch)  # refuses an unknown branch, and several without a choice
    runs = [run for run in trial.runs if run.key.branch == branch or len(trial.branches) == 1]
    chosen = runs if seed is None else [run for run in runs if run.key.seed == seed]
    if len(chosen) == 1:
        return chosen[0]
    seeds = listed([run.key.seed for run in runs], 8)
    if seed is None:
        raise BadInput(f"trial {trial.number} has several runs", key="seed", allowed=seeds, code="missing")
    raise BadInput(key="seed", found=str(seed), allowed=seeds)


def kept_ticket(
    result: HasTrials, number: int, branch: str, seed: int | None, uri: str, project: Project | None, folder: Path
) -> Path:
    """The file of a run's ticket; otherwise as :func:`kept`, and raises :class:`BadInput` where it has no ticket."""
    left = kept(result, number, branch, seed, uri, project, folder, TICKET, "ticket")
    if left.path is None:
        method = result.trial(number).config["method"]["name"]
        reason = f"{method!r} trains weights" if left.names else "its files are gone"
        raise BadInput(f"trial {number} of study {result.name!r} has no ticket: {reason}", code="missing")
    return left.path


def kept(
    result: HasTrials,
    number: int,
    branch: str,
    seed: int | None,
    uri: str,
    project: Project | None,
    folder: Path,
    name: str,
    wanted: str,
) -> Left:
    """A file or folder that a run has left, as MLflow has it or, before it was sent there, the project.

    Args:
        branch: of a forked trial.
        seed: of a trial with several replicates.
        uri: MLflow's tracking URI.
        project: whose studies may still hold it.
        folder: where a copy goes if the file does not lie where it can be read for long.
        name: of the file.
        wanted: what it is: "ticket".

    Raises:
        BadInput: no such run (``key`` names the argument), one without files of its own, or MLflow cannot be read.
    """
    from sparsetune.drive.folders import Folders
    from sparsetune.tracking.left import Left, left_by
    from sparsetune.tracking.run_keys import run_key_of
    from sparsetune.tracking.tables import Home

    trial, run = ended_run(result, number, branch, seed, wanted)
    uid = result.stored.uid or ""
    if project is not None:
        unsent = Folders(project.trials(result.name, uid)).of_run(run.key, len(trial.runs)) / name
        with contextlib.suppress(FileNotFoundError):  # a copy: it goes from there as soon as MLflow has it
            copy = shutil.copytree if unsent.is_dir() else shutil.copy
            return Left((name,), Path(copy(unsent, folder / name)))
    home = Home.of(project.runs, uri) if project is not None else None
    return left_by(uri, result.name, uid, run_key_of(trial, run.key), name, folder, home)

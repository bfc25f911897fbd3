"""The ticket of a run of a study, by the trial's number."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from sparsetune.app.api.ended import ended_run
from sparsetune.base.errors import BadInput
from sparsetune.base.paths import TICKET

if TYPE_CHECKING:
    from sparsetune.app.api.result import StudyResult
    from sparsetune.base.paths import Project


def kept_ticket(
    result: StudyResult, number: int, branch: str, seed: int | None, uri: str, project: Project | None, folder: Path
) -> Path:
    """The file of a run's ticket, as MLflow has it or, before it was sent there, the project.

    Args:
        branch: of a forked trial.
        seed: of a trial with several replicates.
        uri: MLflow's tracking URI.
        project: whose studies may still hold it.
        folder: where a copy goes if the file does not lie where it can be read for long.

    Raises:
        BadInput: no such run (``key`` names the argument), it has no ticket, or MLflow cannot be read.
    """
    from sparsetune.drive.folders import Folders
    from sparsetune.search.definition import study_uid
    from sparsetune.search.storage import open_storage
    from sparsetune.tracking.left import left_by
    from sparsetune.tracking.run_keys import run_key_of
    from sparsetune.tracking.tables import Home

    trial, run = ended_run(result, number, branch, seed, "ticket")
    storage = open_storage(result.storage)
    uid = study_uid(storage, storage.get_study_id_from_name(result.name))
    if project is not None:
        unsent = Folders(project.trials(result.name, uid)).of_run(run.key, len(trial.runs)) / TICKET
        with contextlib.suppress(FileNotFoundError):  # a copy: it goes from there as soon as MLflow has it
            return Path(shutil.copy(unsent, folder))
    home = Home.of(project.runs, uri) if project is not None else None
    left = left_by(uri, result.name, uid, run_key_of(trial, run.key), TICKET, folder, home)
    if left.path is None:
        method = trial.config["method"]["name"]
        reason = f"{method!r} trains weights" if left.names else "its files are gone"
        raise BadInput(f"trial {number} of study {result.name!r} has no ticket: {reason}")
    return left.path

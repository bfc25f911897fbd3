"""Tickets of a study's trial, gathered in a folder of the project: workers read files, and no MLflow."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparsetune.app.ended import HasTrials, kept
from sparsetune.app.trials import Stored
from sparsetune.base.errors import BadInput
from sparsetune.base.messages import SAME_AS
from sparsetune.base.paths import ON_THE_WAY, TICKET, Project, made, slug
from sparsetune.base.stores.tracking_uri import tracking_uri
from sparsetune.config.base import Part, places
from sparsetune.sparsity.ticket_file import read_words
from sparsetune.sparsity.ticket_source import KEY, OfStudy, files_in

_FIELDS = {"number": "trial"}  # arguments of what is asked


def with_gathered(part: Part, project: Project) -> Part:
    """A part whose places name files: where they named a study's trial, the folder with its tickets.

    Raises:
        BadInput: no such trial, or one without tickets of weights.
    """
    named = {name: value for name, value in places(part).items() if isinstance(value, OfStudy)}
    return part.model_copy(update={name: str(_gathered(value, project)) for name, value in named.items()})


def _gathered(of: OfStudy, project: Project) -> Path:
    from sparsetune.search.storage import read_study

    try:
        result = Stored(of.study, read_study(project.storage_url, of.study))
        uid = result.stored.uid or ""
        words = [f"{of.trial:05d}", of.branch, "" if of.seed is None else f"seed {of.seed}"]
        folder = project.runs / "tickets" / slug(f"{of.study}-{uid}") / slug(" ".join(filter(None, words)))
        if not folder.is_dir():
            _gather(result, of, project, folder)
        return folder
    except BadInput as error:
        raise error.at(key=f"{KEY}.{_FIELDS.get(error.key, error.key)}".rstrip(".")) from None


def _gather(result: HasTrials, of: OfStudy, project: Project, folder: Path) -> None:
    """All or nothing: a folder is there once it is whole."""
    seeds = {run.key.seed for run in result.trial(of.trial).runs} if of.seed is None else {of.seed}
    made(folder.parent)
    with tempfile.TemporaryDirectory(prefix=".gathering-", dir=folder.parent) as aside:
        for seed in sorted(seeds):
            place = Path(aside, "copies", str(seed))
            place.mkdir(parents=True)
            for file in left_tickets(result, of.trial, of.branch, seed, project, place):
                if origin := read_words(file).get("origin"):
                    to = Path(aside, "whole", f"seed {seed}", f"level {origin['level']}", TICKET)
                    to.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(file, to)
        whole = Path(aside, "whole")
        if not whole.is_dir():
            raise BadInput(f"trial {of.trial} of study {of.study!r} has no tickets of weights", code="missing")
        os.replace(whole, folder)


def left_tickets(
    result: HasTrials, number: int, branch: str, seed: int | None, project: Project | None, folder: Path, uri: str = ""
) -> list[Path]:
    """The files of all tickets that a run has left, that of its end the last.

    Args:
        folder: where copies go if they do not lie on this machine.
        uri: MLflow's; else the project's.

    Raises:
        BadInput: no such run, or MLflow cannot be read.
    """
    where = uri or tracking_uri() or (project.tracking_uri if project else "")
    left = [
        kept(result, number, branch, seed, where, project, folder, name, "ticket").path for name in (ON_THE_WAY, TICKET)
    ]
    return [file for place in left if place is not None for file in files_in(place)]


@dataclass(frozen=True)
class Listed:
    """A ticket of a run; ``words`` are those of its header."""

    trial: int
    branch: str
    seed: int
    words: Mapping[str, Any]


def listed_tickets(result: HasTrials, number: int | None, project: Project | None, uri: str) -> Iterator[Listed]:
    """The tickets of one trial, or of all that are complete, one for each run and level.

    Raises:
        BadInput: no such trial, or MLflow cannot be read.
    """
    complete = [trial for trial in result.stored.trials if trial.state == "COMPLETE"]
    for trial in complete if number is None else [result.trial(number)]:
        for run in trial.runs:
            of = (trial.number, run.key.branch, run.key.seed)
            with tempfile.TemporaryDirectory(prefix="sparsetune-") as folder:
                files = [] if SAME_AS in run.notes else left_tickets(result, *of, project, Path(folder), uri)
                words = [read_words(file) for file in files]
            by_level = {(said.get("origin") or {}).get("level", 0): said for said in words}
            yield from (Listed(*of, by_level[level]) for level in sorted(by_level))

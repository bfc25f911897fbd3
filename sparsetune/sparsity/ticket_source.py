"""Which file is meant by a place with tickets: the file itself, or of a folder the one of a level and a seed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from sparsetune.base.errors import BadInput
from sparsetune.base.layout.text import listed
from sparsetune.base.paths import TICKET
from sparsetune.config.base import Model
from sparsetune.sparsity.ticket_file import read_words

KEY = "method.source"
Words = dict[str, Any]


class OfStudy(Model):
    """The tickets of a trial of a study of the project.

    Attributes:
        branch: of a fork.
        seed: of the replicate whose ticket it is; None: where there are several, that of the training.
    """

    study: str
    trial: Annotated[int, Field(ge=0)]
    branch: str = ""
    seed: int | None = None


def retraining(source: Any, level: int | None, arm: str) -> dict[str, Any]:
    """The section of a config that trains a ticket again."""
    return {"name": "ticket_retrain", "source": source, "level": level, "arm": arm}


def file_of(place: Path, level: int | None, seed: int) -> Path:
    """The ticket of weights that is meant.

    Args:
        place: a file, or a folder that has some, however deep.
        level: of pruning, from 1; None: the only one that is there.
        seed: of the training that is to take it up: which ticket, where there are some of several seeds.

    Raises:
        BadInput: none is there, several are, or one of another kind.
    """
    words = {file: said for file in files_in(place) if (said := read_words(file)).get("origin")}
    if not words:
        kind = "holds no weights: it is a seed and a mask" if place.is_file() else f"has no {TICKET} with weights"
        raise BadInput(kind, source=place, key=KEY, code="missing")
    of_level = _only(words, "level", level, lambda said: int(said["origin"]["level"]), place)
    seeds = {said["config"].get("seed", 0) for said in of_level.values()}
    of_seed = _only(of_level, "seed", seed, _seed_of, place) if len(seeds) > 1 else of_level
    arms = sorted({said["origin"]["arm"] for said in of_seed.values()})
    if len(arms) > 1:
        problem = f"has tickets of several arms, {listed(arms, 8)}: name the folder of one of them"
        raise BadInput(problem, source=place, key=KEY, code="conflict")
    return max(of_seed)  # of several states of a level that which its run keeps: the weights are the same


def levels_in(place: Path) -> set[int]:
    """Of the tickets of weights of a folder."""
    origins = (read_words(file).get("origin") for file in files_in(place))
    return {int(origin["level"]) for origin in origins if origin}


def files_in(place: Path) -> list[Path]:
    """The tickets of a folder, sorted; a file is one."""
    return sorted(place.rglob(TICKET)) if place.is_dir() else [place]


def digest_of(place: Path) -> str:
    """The first 16 digits of the SHA-256 of a file, or of those in a folder."""
    sha = hashlib.sha256()
    for file in files_in(place):
        with file.open("rb") as opened:
            sha.update(hashlib.file_digest(opened, "sha256").digest())
    return sha.hexdigest()[:16]


def _seed_of(said: Words) -> int:
    return int(said["config"].get("seed", 0))


def _only(
    words: dict[Path, Words], name: str, wanted: int | None, value_of: Callable[[Words], int], place: Path
) -> dict[Path, Words]:
    """Those with the value that is wanted, or of the only one that there is."""
    values = sorted({value_of(said) for said in words.values()})
    if wanted is None and len(values) > 1:
        problem = f"missing: which of the levels of {place}"
        raise BadInput(problem, key=f"method.{name}", allowed=listed(values, 8), code="missing")
    if wanted is not None and wanted not in values:
        key = f"method.{name}" if name == "level" else name
        raise BadInput(found=str(wanted), allowed=f"{listed(values, 8)}, of which {place} has tickets", key=key)
    return {file: said for file, said in words.items() if value_of(said) == (values[0] if wanted is None else wanted)}

"""Where a project has lain. What was written as a whole path, in MLflow's tables, is where it was then."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sparsetune.base.yaml_io import write_atomic

RECORD = "places.json"  # in mlruns/, with which it goes


@dataclass(frozen=True)
class Former:
    """Where a project's ``mlruns/`` has lain, and lies no more as this machine sees it.

    Attributes:
        noted: by a study or a run that was started there.
        guessed: from what versions that noted nothing have left.
    """

    noted: tuple[Path, ...] = ()
    guessed: tuple[Path, ...] = ()

    @property
    def all(self) -> tuple[Path, ...]:
        return self.noted + self.guessed


def former_places(runs: Path) -> Former | None:
    """What is noted; None where nothing is."""
    record = _record(runs)
    if record is None:
        return None
    noted, guessed = (tuple(place for place in places if not same_folder(place, runs)) for places in record)
    return Former(noted, guessed)


def note_place(runs: Path, guessed: Sequence[Path]) -> None:
    """Note where it lies, before anything is written that says so; ``guessed`` counts where nothing is noted yet."""
    noted, before = _record(runs) or ((), guessed)
    if noted[:1] != (runs,):
        places = {"noted": dict.fromkeys((runs, *noted)), "guessed": before}
        plain = {name: [str(place) for place in each] for name, each in places.items()}
        write_atomic(runs / RECORD, json.dumps(plain, indent=1) + "\n")


def alive(runs: Path) -> bool:
    """Whether a project keeps something there."""
    return any((runs / name).exists() for name in (RECORD, "studies.db", "mlflow.db"))


def same_folder(one: Path, other: Path) -> bool:
    """Whether two paths lead to one folder: through a link, or to a disk that is mounted twice."""
    try:
        return one == other or one.samefile(other)
    except OSError:
        return False


def _record(runs: Path) -> tuple[tuple[Path, ...], tuple[Path, ...]] | None:
    try:
        said = json.loads((runs / RECORD).read_text(encoding="utf-8"))
        return tuple(map(Path, said["noted"])), tuple(map(Path, said["guessed"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None

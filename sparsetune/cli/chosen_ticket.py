"""Which ticket a command means: a file, the one in a folder, or that of a run of a study."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparsetune.base.errors import BadInput
from sparsetune.base.paths import CONFIG, TICKET
from sparsetune.cli.chosen_file import on_disk, refuse_without_trial
from sparsetune.cli.where import as_options, study_of


@dataclass(frozen=True)
class Chosen:
    """A ticket that is there.

    Attributes:
        name: what to call it.
        config: of its trial, as its study or the file beside it has it; empty where neither does.
        root: of the project that it is of, if that is known.
    """

    file: Path
    name: str
    config: Mapping[str, Any]
    root: Path | None


@contextmanager
def chosen_ticket(
    named: str,
    trial: int | None,
    branch: str,
    seed: int | None,
    uri: str | None,
    root: Path | None,
    storage: str | None,
) -> Iterator[Chosen]:
    """The ticket that a command line means, there for as long as the context lasts; raises :class:`BadInput`.

    Args:
        named: a path, or with ``trial`` a study.
    """
    if trial is None:
        refuse_without_trial(branch, seed, uri)
        file = on_disk(named, TICKET, root, storage)
        yield Chosen(file, str(file), _config_beside(file), root)
        return
    from sparsetune.app.api.ended import kept_ticket

    result, project, where = study_of(named, root, storage, uri)
    with tempfile.TemporaryDirectory(prefix="sparsetune-") as folder:
        with as_options():
            file = kept_ticket(result, trial, branch, seed, where, project, Path(folder))
            config = result.config(trial, branch)
        copied = file.is_relative_to(folder)
        words = [f"{named} trial {trial}", branch, "" if seed is None else f"seed {seed}"]
        name = " ".join(filter(None, words)) if copied else str(file)
        try:
            yield Chosen(file, name, config, project.root if project else root)
        except BadInput as error:
            raise error.at(source=name if copied else None) from None


def _config_beside(file: Path) -> dict[str, Any]:
    """What a run has left with its ticket."""
    from sparsetune.base.yaml_io import read_mapping

    try:
        return read_mapping(file.with_name(CONFIG))
    except BadInput:  # there is none, or something else is called so: --set says where the data lie
        return {}

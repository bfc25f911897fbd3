"""Which ticket a command means: a file, the one in a folder, or that of a run of a study or of MLflow."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparsetune.base.errors import BadInput
from sparsetune.base.paths import CONFIG, TICKET, Project, slug
from sparsetune.cli.chosen_file import on_disk, refuse_without_trial
from sparsetune.cli.where import as_options, project_if_any, project_of, study_of

_OPTIONS = {"level": "--level", "source": "", "seed": "--seed"}  # by the end of a key


@dataclass(frozen=True)
class Which:
    """What a command line says of a ticket.

    Attributes:
        named: a path, or with ``trial`` a study; None with ``run``.
        run: the identity of a run of MLflow.
    """

    named: str | None
    trial: int | None = None
    branch: str = ""
    seed: int | None = None
    level: int | None = None
    run: str | None = None
    uri: str | None = None
    root: Path | None = None
    storage: str | None = None

    @property
    def words(self) -> str:
        """What to call one of a study or a run."""
        of = f"run {self.run}" if self.run else f"{self.named} trial {self.trial}"
        seed, level = (f"{k} {v}" if v is not None else "" for k, v in (("seed", self.seed), ("level", self.level)))
        return " ".join(filter(None, (of, self.branch, seed, level)))


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
def chosen_ticket(which: Which) -> Iterator[Chosen]:
    """The ticket that a command line means, there for as long as the context lasts; raises :class:`BadInput`."""
    if which.run is None and which.trial is None:
        yield _by_path(which)
        return
    with tempfile.TemporaryDirectory(prefix="sparsetune-") as folder:
        chosen = _of_run(which, Path(folder)) if which.run else _of_study(which, Path(folder))
        copied = chosen.file.is_relative_to(folder)
        try:
            yield Chosen(chosen.file, which.words if copied else str(chosen.file), chosen.config, chosen.root)
        except BadInput as error:
            raise error.at(source=which.words if copied else None) from None


def source_of(which: Which) -> str | dict[str, Any]:
    """``method.source`` of a training that takes up the ticket; files of a run are brought into the project."""
    if which.trial is not None:
        if which.run is not None:
            raise BadInput("written beside --run; remove one", key="--trial", code="conflict")
        return {"study": which.named, "trial": which.trial, "branch": which.branch, "seed": which.seed}
    refuse_without_trial(which.branch, which.seed, None)
    if which.run is not None:
        return str(_left_in(which, project_of(which.root).runs / "tickets" / slug(f"run {which.run}"))[0])
    assert which.named is not None
    return str(Path(which.named).expanduser().absolute())


def _by_path(which: Which) -> Chosen:
    refuse_without_trial(which.branch, which.seed, which.uri)
    if which.named is None:
        raise BadInput("missing: a path, a study with --trial, or --run", key="TICKET", code="missing")
    file = on_disk(which.named, TICKET, which.root, which.storage) if which.level is None else _of_level(which)
    return Chosen(file, str(file), _config_beside(file), which.root)


def _of_level(which: Which) -> Path:
    assert which.named is not None
    place = Path(which.named)
    if not place.exists():
        return on_disk(which.named, TICKET, which.root, which.storage)  # says what is wrong
    return _at(place, which)


def _of_study(which: Which, folder: Path) -> Chosen:
    from sparsetune.app.ended import kept_ticket
    from sparsetune.app.gathered import left_tickets

    assert which.named is not None
    assert which.trial is not None
    result, project, where = study_of(which.named, which.root, which.storage, which.uri)
    with as_options():
        of = (result, which.trial, which.branch, which.seed)
        if which.level is None:
            file = kept_ticket(*of, where, project, folder)
        else:
            file = _among(left_tickets(*of, project, folder, where), which)
        config = result.config(which.trial, which.branch)
    return Chosen(file, "", config, project.root if project else which.root)


def _of_run(which: Which, folder: Path) -> Chosen:
    place, project = _left_in(which, folder)
    file = place / TICKET if which.level is None else _at(place, which)
    return Chosen(file, "", _config_beside(file), project.root if project else which.root)


def _left_in(which: Which, folder: Path) -> tuple[Path, Project | None]:
    """The folder with the files of a run of MLflow, which has tickets, and the project that is here."""
    from sparsetune.base.stores.tracking_uri import tracking_uri
    from sparsetune.sparsity.ticket_source import files_in
    from sparsetune.tracking.left import left_in
    from sparsetune.tracking.tables import Home

    assert which.run is not None
    uri = tracking_uri(which.uri) or project_of(which.root).tracking_uri
    project = project_if_any(which.root)
    place = left_in(uri, which.run, folder, Home.of(project.runs, uri) if project else None)
    if not files_in(place):
        raise BadInput(f"run {which.run} has no ticket", code="missing")
    return place, project


def _among(files: list[Path], which: Which) -> Path:
    """The one of a level; ``files`` end with that of the run."""
    if not files:
        raise BadInput(f"{which.words} has no ticket", code="missing")
    return _at(files[-1].parent, which)


def _at(place: Path, which: Which) -> Path:
    from sparsetune.sparsity.ticket_source import file_of

    try:
        return file_of(place, which.level, which.seed or 0)
    except BadInput as error:
        raise error.at(key=_OPTIONS.get(error.key.rpartition(".")[2], error.key)) from None


def _config_beside(file: Path) -> dict[str, Any]:
    """What a run has left with its ticket."""
    from sparsetune.base.yaml_io import read_mapping

    try:
        return read_mapping(file.with_name(CONFIG))
    except BadInput:  # there is none, or something else is called so: --set says where the data lie
        return {}

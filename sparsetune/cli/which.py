"""Which ticket a command means: a file, the one in a folder, or that of a run of a study."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparsetune.base.errors import BadInput
from sparsetune.base.paths import CONFIG, TICKET, Project, find_root
from sparsetune.cli.app import storage_url

OPTIONS = {"number": "--trial", "branch": "--branch", "seed": "--seed"}  # arguments of the API


@dataclass(frozen=True)
class Chosen:
    """A ticket that was found.

    Attributes:
        name: what to call it.
        config: of its trial, as its study or the file beside it has it; empty where neither does.
        root: of the project that it is of, if that is known.
    """

    file: Path
    name: str
    config: Mapping[str, Any]
    root: Path | None


@dataclass(frozen=True)
class Which:
    """What a command line says of a ticket; ``named`` is a path, or with ``trial`` a study."""

    named: str
    trial: int | None
    branch: str
    seed: int | None
    uri: str | None
    root: Path | None
    storage: str | None

    @contextmanager
    def chosen(self) -> Iterator[Chosen]:
        """The ticket, there for as long as the context lasts; raises :class:`BadInput`."""
        if self.trial is None:
            file = self._on_disk()
            yield Chosen(file, str(file), _config_beside(file), self.root)
            return
        with tempfile.TemporaryDirectory(prefix="sparsetune-") as folder:
            file, config, root = self._of_study(self.trial, Path(folder))
            copied = file.is_relative_to(folder)
            name = self._name(self.trial) if copied else str(file)
            try:
                yield Chosen(file, name, config, root)
            except BadInput as error:
                raise BadInput(error.problem, source=name if copied else error.source, key=error.key) from None

    def _name(self, trial: int) -> str:
        seed = [] if self.seed is None else [f"seed {self.seed}"]
        return " ".join([f"{self.named} trial {trial}", *([self.branch] if self.branch else []), *seed])

    def _on_disk(self) -> Path:
        for option, value in {"--branch": self.branch or None, "--seed": self.seed, "--uri": self.uri}.items():
            if value is not None:
                raise BadInput(f"found {value!r} without --trial, which it belongs to", key=option)
        path = Path(self.named)
        file = path / TICKET if path.is_dir() else path
        if file.exists():
            return file
        if self._names_a_study():
            raise BadInput(f"missing: which trial of study {self.named!r}", key="--trial")
        raise BadInput(f"there is no {TICKET} in it" if path.is_dir() else "no such file or study", source=self.named)

    def _names_a_study(self) -> bool:
        from sparsetune.search.storage import study_names

        try:
            return self.named in study_names(storage_url(self.root, self.storage))
        except BadInput:  # no project
            return False

    def _of_study(self, number: int, folder: Path) -> tuple[Path, dict[str, Any], Path | None]:
        """Its file, its trial's config, and the root of the study's project."""
        from sparsetune.app.api import load
        from sparsetune.app.api.ticket import kept_ticket
        from sparsetune.base.stores.tracking_uri import tracking_uri

        uri = tracking_uri(self.uri)
        result = load(self.named, root=self.root, storage=self.storage)
        uri = uri or self._project().tracking_uri
        project = None
        with contextlib.suppress(BadInput):  # with URIs of storage and tracking server there need not be one
            project = self._project()
        try:
            file = kept_ticket(result, number, self.branch, self.seed, uri, project, folder)
            return file, result.config(number, self.branch), project.root if project else self.root
        except BadInput as error:
            raise BadInput(error.problem, source=error.source, key=OPTIONS.get(error.key, error.key)) from None

    def _project(self) -> Project:
        return Project(find_root(self.root or Path.cwd()))


def _config_beside(file: Path) -> dict[str, Any]:
    """What a run has left with its ticket."""
    from sparsetune.base.yaml_io import read_mapping

    try:
        return read_mapping(file.with_name(CONFIG))
    except BadInput:  # there is none, or something else is called so: --set says where the data lie
        return {}

"""A trained network as a file that others load without SparseTune: checked, made, tried, written at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparsetune import __version__
from sparsetune.app import inputs, parts
from sparsetune.base.disk import disk_trouble, why_not_written
from sparsetune.base.errors import BadInput
from sparsetune.base.messages import OwnFile
from sparsetune.base.paths import CONFIG, Project
from sparsetune.base.yaml_io import read_mapping, write_atomic
from sparsetune.config.overrides import assign
from sparsetune.config.registry import Registries
from sparsetune.config.trial import resolve_trial
from sparsetune.training.deploy.formats import FORMATS

if TYPE_CHECKING:
    from rich.console import Console

    from sparsetune.training.deploy.deployed import Deployed
    from sparsetune.training.deploy.format import Format

DEFAULT = "torch"


@dataclass(frozen=True)
class Source:
    """A network that a run has left.

    Attributes:
        name: what to call it in errors: ``trial 3 of study 'ast_pi'``.
        says: what it is of, in words.
        config: of the run.
        split: digest of its data and their division; empty where that is not noted.
    """

    name: str
    says: str
    config: Mapping[str, Any]
    weights: Path
    split: str = ""


@dataclass(frozen=True)
class ExportedFile:
    """What was written.

    Attributes:
        format: its name.
        bytes: of the file.
        words: what the file says of its network.
        loading: Python that loads it, a line each.
    """

    path: Path
    format: str
    bytes: int
    words: Mapping[str, Any]
    loading: tuple[str, ...]


@dataclass(frozen=True)
class Target:
    """Where a file goes, and its format.

    Raises:
        BadInput: there is no such format, the file is there already, or its folder takes no files.
    """

    path: Path
    format: str
    force: bool = False

    def __post_init__(self) -> None:
        if self.format not in FORMATS.names():
            raise BadInput.unknown("format", self.format, FORMATS.names(), key="format")
        if self.path.is_dir():
            raise BadInput("is a folder", source=self.path, key="out", allowed="a file's path")
        if self.path.exists() and not self.force:
            raise BadInput("is there already; force writes over it", source=self.path, key="out", code="exists")
        if why := why_not_written(self.path.parent):
            raise BadInput(why, source=self.path, key="out", code="unavailable")

    @classmethod
    def of(cls, path: Path | None, wanted: str | None, stem: str, *, force: bool = False) -> Target:
        """As far as it is said.

        Args:
            path: else ``stem`` with the format's suffix, in the current folder.
            wanted: a format's name; else the one that the path ends as, of no path torch's.
        """
        if wanted is None and path is not None:
            wanted = format_of(path)
        name = wanted or DEFAULT
        if path is None and name in FORMATS.names():
            path = Path(f"{stem}{FORMATS.get(name).suffix}")
        return cls(path or Path(stem), name, force)


def format_of(path: Path) -> str:
    """The name of the format that a path ends as; raises :class:`BadInput` where it ends as none."""
    suffixes = {FORMATS.get(name).suffix: name for name in FORMATS.names()}
    if path.suffix not in suffixes:
        allowed = f"one that ends in {', '.join(suffixes)}, or a format"
        raise BadInput(key="out", found=f"'{path}'", allowed=allowed)
    return suffixes[path.suffix]


def export(
    source: Source, target: Target, registries: Registries, project: Project | None, console: Console
) -> ExportedFile:
    """Write a network's file, once it was read again and has given the same.

    Raises:
        BadInput: no data, weights that do not fit, a package that is missing, or a network that cannot be exported.
    """
    from sparsetune.training.deploy.deployed import deployed

    chosen: Format = FORMATS.get(target.format)
    try:
        config = resolve_trial(source.config, registries)
        prepared = inputs.ready(config, project or Project(Path.cwd()), registries, source.name, console)
        for remark in prepared.remarks:
            parts.warner(console)(remark)
        here = resolve_trial(assign(config.plain(), prepared.places), registries)
        network = deployed(here, source.weights, registries, source.split)
        said = {"network": source.says, **network.words, "config": here.portable(), "sparsetune": __version__}
        content = _tried(network, chosen, said, target.format)
    except BadInput as error:
        raise error.located(source=source.name) from None
    try:
        write_atomic(target.path, content)
    except OSError as error:
        if disk_trouble(error):
            raise
        raise BadInput(str(error.strerror), source=target.path, key="out", code="unavailable") from None
    return ExportedFile(
        target.path,
        target.format,
        len(content),
        said,
        chosen.loading(json.dumps(str(target.path), ensure_ascii=False), said),
    )


def export_run(
    weights: Path,
    path: Path | None,
    wanted: str | None,
    *,
    force: bool,
    project: Project | None,
    own: tuple[OwnFile, ...],
    console: Console,
) -> ExportedFile:
    """The same of a run's folder, in which its config lies beside its weights.

    Args:
        path: else a file in the current folder, called as the run's.
        wanted: a format's name; else the one that the path ends as, else torch's.

    Raises:
        BadInput: no config beside the weights; otherwise as :func:`export`.
    """
    try:
        config = read_mapping(weights.with_name(CONFIG))
    except BadInput as error:
        raise error.located(source=weights) from None
    stem = weights.absolute().parent.name or "network"
    says = f"run {stem}: {made_of(config)}"
    source = Source(str(weights), says, config, weights)
    return export(source, Target.of(path, wanted, stem, force=force), parts.registries(own), project, console)


def _tried(network: Deployed, chosen: Format, said: Mapping[str, Any], name: str) -> bytes:
    try:
        content = chosen.content(network, said)
        same = chosen.running is None or network.equals(chosen.running(content))
    except BadInput:
        raise
    except Exception as error:  # exporters have no kinds of their own, and the model's code may be the user's
        reason = " ".join(str(error).split())[:200]
        raise BadInput(f"its network cannot be exported as {name}: {type(error).__name__}: {reason}") from None
    if not same:
        raise BadInput(f"its network cannot be exported as {name}: what it makes of it gives other outputs")
    return content


def made_of(config: Mapping[str, Any]) -> str:
    """``method ast, model mlp, data digits``."""
    return ", ".join(f"{section} {config[section]['name']}" for section in ("method", "model", "data"))

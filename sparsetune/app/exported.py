"""A trained network as a file that others load without SparseTune: checked, made, tried, written at once."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparsetune import __version__
from sparsetune.app import inputs, parts
from sparsetune.base.disk import disk_trouble, is_folder, why_not_written
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
class Order:
    """What is asked for.

    Attributes:
        path: of the file; None: in the current folder, called as the run is.
        format: its name; None: the one that the path ends as, of no path torch's.
        force: write over a file that is there.
        whole: with all neurons and channels, also those without a path.
    """

    path: Path | None = None
    format: str | None = None
    force: bool = False
    whole: bool = False


@dataclass(frozen=True)
class Target:
    """Where a file goes, its format, and what it is to have.

    Attributes:
        force: it is written over one that is there.
        whole: it has all neurons and channels, also those without a path.

    Raises:
        BadInput: there is no such format, the file is there already, or its folder takes no files.
    """

    path: Path
    format: str
    force: bool = False
    whole: bool = False

    def __post_init__(self) -> None:
        if self.format not in FORMATS.names():
            raise BadInput.unknown("format", self.format, FORMATS.names(), key="format")
        if is_folder(self.path):
            raise BadInput("is a folder", source=self.path, key="out", allowed="a file's path")
        if os.path.lexists(self.path) and not self.force:
            problem = "is there already; --force (in Python force=True) writes over it"
            raise BadInput(problem, source=self.path, key="out", code="exists")
        if why := why_not_written(self.path.parent):
            raise BadInput(why, source=self.path, key="out", code="unavailable")

    @classmethod
    def of(cls, order: Order, stem: str) -> Target:
        """As far as it is said.

        Args:
            stem: of the file's name, where none is said.
        """
        name = order.format or (DEFAULT if order.path is None else format_of(order.path))
        path = order.path
        if path is None:
            path = Path(f"{stem}{FORMATS.get(name).suffix}" if name in FORMATS.names() else stem)
        return cls(path, name, order.force, order.whole)


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
        network = deployed(here, source.weights, registries, source.split, whole=target.whole)
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
    weights: Path, order: Order, *, project: Project | None, own: tuple[OwnFile, ...], console: Console
) -> ExportedFile:
    """The same of a run's folder, in which its config lies beside its weights.

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
    return export(source, Target.of(order, stem), parts.registries(own), project, console)


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

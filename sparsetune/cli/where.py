"""Where the project, the storage and the MLflow are that a command without a study file means."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sparsetune.base.errors import BadInput
from sparsetune.base.paths import Project, find_root

if TYPE_CHECKING:
    from sparsetune.app.api import StudyResult

_ARGUMENTS = ("branch", "seed", "where", "format", "out")
_OPTIONS = {"number": "--trial", **{name: f"--{name}" for name in _ARGUMENTS}}  # arguments of the API


def project_of(root: Path | None) -> Project:
    """The project that ``--root`` names, else the nearest upward from here; raises :class:`BadInput`."""
    return Project(find_root(root or Path.cwd()))


def project_if_any(root: Path | None) -> Project | None:
    """The same; None where there is none, which a storage and a tracking server of their own do not need."""
    try:
        return project_of(root)
    except BadInput:
        return None


def project_or_none(root: Path | None) -> Project | None:
    """The project that ``--root`` names; raises :class:`BadInput` if it is none. Without it, the nearest if any."""
    return project_of(root) if root else project_if_any(None)


def storage_url(root: Path | None, storage: str | None) -> str:
    """The storage that a command without a study file reads."""
    from sparsetune.base.variables import from_environment

    return from_environment(storage, "", "--storage") if storage else project_of(root).storage_url


def study_of(
    name: str, root: Path | None, storage: str | None, uri: str | None
) -> tuple[StudyResult, Project | None, str]:
    """A study with its project, if there is one here, and the URI of the MLflow that has its runs."""
    from sparsetune.app.api import load
    from sparsetune.base.stores.tracking_uri import tracking_uri

    named = tracking_uri(uri)
    result = load(name, root=root, storage=storage)
    return result, project_if_any(root), named or project_of(root).tracking_uri


@contextmanager
def as_options() -> Iterator[None]:
    """Arguments of the API are called by the options that gave them."""
    try:
        yield
    except BadInput as error:
        raise error.at(key=_OPTIONS.get(error.key, error.key)) from None

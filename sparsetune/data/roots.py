"""Where data files lie: their root, and the folders that a config names."""

from __future__ import annotations

import os
from pathlib import Path

from sparsetune.base.errors import BadInput, in_utf8

VARIABLE = "SPARSETUNE_DATA"


def data_root(config_root: str | None, project_root: Path) -> Path:
    """The absolute folder of data files: ``data.root``, else the environment's, else ``data/`` of the project.

    A relative ``data.root`` counts from the project's root, a relative SPARSETUNE_DATA from the current folder.

    Raises:
        BadInput: ``~name`` of a user who is not there.
    """
    if config_root is not None:
        return (project_root / expanded(config_root, key="data.root")).absolute()
    if from_environment := os.environ.get(VARIABLE):
        return expanded(from_environment, key=VARIABLE).absolute()
    return (project_root / "data").absolute()


def identity(path: Path) -> list[str | int]:
    """What tells a file from others, and from itself before a change: real path, bytes, time in nanoseconds."""
    status = path.stat()
    return [str(path.resolve()), status.st_size, status.st_mtime_ns]


def expanded(path: str, key: str) -> Path:
    """A path with ``~`` as a home folder; raises :class:`BadInput` for one that is not known."""
    try:
        return Path(in_utf8(path, key=key)).expanduser()
    except RuntimeError:
        raise BadInput(f"found {path!r}, whose home folder is not known", key=key, code="missing") from None


def found_folder(named: str, project_root: Path, key: str) -> Path:
    """The absolute path of a folder that is there.

    A relative one counts from the project's root; where it is not there, from the folder of data files, for which
    ``data/`` stands as it does in a project.

    Raises:
        BadInput: it is at neither place.
    """
    below = Path(named)
    if below.parts[:1] == ("data",):
        below = below.relative_to("data")
    tried = dict.fromkeys([data_root(named, project_root), data_root(None, project_root) / below])
    for path in tried:
        if path.is_dir():
            return path
    nowhere = f"found {named!r}, but there is no folder {' or '.join(map(str, tried))}"
    raise BadInput(nowhere, key=key, code="missing")


def absolute(path: str, key: str) -> Path:
    """A path that does not depend on where a process works; raises :class:`BadInput` for others."""
    if not Path(path).is_absolute():
        raise BadInput(found=repr(path), allowed="an absolute path", key=key)
    return Path(path)

"""Folders that a config names."""

from __future__ import annotations

from pathlib import Path

from sparsetune.base.errors import BadInput
from sparsetune.data.roots import data_root


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
    raise BadInput(f"found {named!r}, but there is no folder {' or '.join(map(str, tried))}", key=key)


def absolute(path: str, key: str) -> Path:
    """A path that does not depend on where a process works; raises :class:`BadInput` for others."""
    if not Path(path).is_absolute():
        raise BadInput(f"found {path!r}, allowed: an absolute path", key=key)
    return Path(path)

"""A project to start from. Its studies and spaces are links to those in the repository; a wheel holds copies.

Imports ``base``.
"""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path

from sparsetune.base.errors import BadInput, in_utf8
from sparsetune.base.paths import made

_OWN_NAMES = {"gitignore": ".gitignore"}  # a dot would make it count for this folder
_FOLDERS = ("studies", "search_spaces")


def starting_files() -> dict[str, bytes]:
    """Every file of the project by its path in there."""
    here = files("sparsetune.starter")
    sources = {_OWN_NAMES.get(name, name): here / name for name in ("README.md", "gitignore")}
    for folder in _FOLDERS:
        files_there = sorted((here / folder).iterdir(), key=lambda each: each.name)
        sources |= {f"{folder}/{each.name}": each for each in files_there if each.name.endswith(".yaml")}
    return {**{name: source.read_bytes() for name, source in sources.items()}, "mlruns/.gitkeep": b""}


def write_project(folder: Path) -> list[Path]:
    """Write the files into a folder, which is made if need be; returns their paths.

    Raises:
        BadInput: one of them is there already, or the folder cannot be written; nothing has been written then.
    """
    in_utf8(folder.absolute())
    content = {folder / name: data for name, data in starting_files().items()}
    parents = {folder, *(path.parent for path in content)}
    taken = [path for path in content if os.path.lexists(path)]
    taken += [parent for parent in parents - {folder} if os.path.lexists(parent) and not parent.is_dir()]
    if taken:
        names = ", ".join(sorted(str(path.relative_to(folder)) for path in taken))
        problem = f"already there: {names}; choose another folder, or move them away"
        raise BadInput(problem, source=folder, code="exists")
    for parent in sorted(parents):  # the folder itself first
        made(parent)
    for path, data in content.items():
        with path.open("xb") as file:
            file.write(data)
    return list(content)

"""What a study takes on disk."""

from __future__ import annotations

import os
from collections.abc import Sequence
from glob import escape
from pathlib import Path

from sparsetune.base.paths import Project, slug
from sparsetune.base.stores.sqlite import sqlite_path
from sparsetune.search.progress import Progress


def disk_use(progress: Progress, url: str, project: Project | None) -> dict[str, int]:
    """Bytes of what is here: the study's own files, and databases that it shares. What servers hold is not here."""
    database = sqlite_path(url)
    places: dict[str, Sequence[Path]] = {
        "storage": [] if database is None else [database, *database.parent.glob(f"{escape(database.name)}-*")]
    }
    if project is not None:
        places["mlflow"] = [*project.runs.glob("mlflow.db*")]
        places["artifacts"] = [project.artifacts / slug(progress.name)]
        if progress.uid is not None:
            places["checkpoints"] = [project.trials(progress.name, progress.uid)]
    return {name: sum(map(_bytes, paths)) for name, paths in places.items() if any(path.exists() for path in paths)}


def _bytes(path: Path) -> int:
    """Of a file, or of all files below a folder; what goes away meanwhile counts nothing."""
    try:
        return _below(path) if path.is_dir() else path.stat().st_size
    except OSError:
        return 0


def _below(folder: str | Path) -> int:
    total = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                total += (
                    _below(entry.path)
                    if entry.is_dir(follow_symlinks=False)
                    else entry.stat(follow_symlinks=False).st_size
                )
            except OSError:
                continue
    return total

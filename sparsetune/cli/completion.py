"""What the Tab key offers. Quick, and silent where there is nothing: the shell then offers files."""

from __future__ import annotations

import shlex
import sqlite3
from collections.abc import Iterable
from pathlib import Path

import typer

from sparsetune.base.errors import BadInput
from sparsetune.base.paths import Project, find_root


def study_names(ctx: typer.Context) -> list[str]:
    """Of the storage that the command line names so far, if that is an SQLite file."""
    from sparsetune.base.stores.sqlite import reading, sqlite_path

    try:
        path = sqlite_path(ctx.params.get("storage") or Project(_root(ctx)).storage_url)
        if path is None:
            return []
        with reading(path, seconds=0.2) as connection:
            return _plain(name for (name,) in connection.execute("SELECT study_name FROM studies ORDER BY study_name"))
    except (BadInput, OSError, sqlite3.Error):
        return []


def study_files(incomplete: str) -> list[str]:
    """YAML files where the typed path leads, else those in ``studies/``."""
    typed = Path(incomplete or ".")
    folder = typed if incomplete.endswith("/") else typed.parent
    there = [each for where in (folder, folder / "studies") for each in sorted(where.glob("*.yaml"))]
    return _plain(str(each) for each in there)


def space_names(ctx: typer.Context) -> list[str]:
    """Of the project."""
    try:
        return _plain(sorted(each.stem for each in (_root(ctx) / "search_spaces").glob("*.yaml")))
    except (BadInput, OSError):
        return []


def method_names() -> list[str]:
    """Of the registry."""
    from sparsetune.sparsity.methods import METHODS

    return METHODS.names()


def model_names() -> list[str]:
    """Of the registry."""
    from sparsetune.models import MODELS

    return MODELS.names()


def sampler_names() -> list[str]:
    """Of the registry."""
    from sparsetune.search.samplers import SAMPLERS

    return SAMPLERS.names()


def pruner_names() -> list[str]:
    """Of the registry."""
    from sparsetune.search.pruners import PRUNERS

    return PRUNERS.names()


def metric_names() -> list[str]:
    """Of the table."""
    from sparsetune.sparsity.methods import METRICS

    return list(METRICS)


def _root(ctx: typer.Context) -> Path:
    return find_root(Path(ctx.params.get("root") or Path.cwd()))


def _plain(names: Iterable[str]) -> list[str]:
    """Those that a shell takes as one word as they are."""
    return [name for name in names if shlex.quote(name) == name]

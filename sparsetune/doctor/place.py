"""The project: its root, where results go, and who works in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sparsetune.base.errors import BadInput, in_utf8
from sparsetune.base.paths import Project, why_no_files
from sparsetune.doctor.finding import Finding
from sparsetune.doctor.machine import room


def project_root(project: Project | None) -> Iterator[Finding]:
    """Where commands look for spaces and results."""
    if project is None:
        try:
            in_utf8(Path.cwd())
        except BadInput as error:
            yield Finding("problem", "project", error.problem, "rename that folder")
            return
        found = f"none: no folder upward from {Path.cwd()} has search_spaces/"
        yield Finding("note", "project", found, "sparsetune init DIR writes one; or name one with --root")
    else:
        yield Finding("ok", "project", str(project.root))


def results(project: Project | None) -> Iterator[Finding]:
    """Whether ``mlruns/`` takes results, and how much of them."""
    if project is None:
        return
    there = project.runs if project.runs.exists() else project.root
    if reason := why_no_files(there):
        mend = "make it a folder that you may write to, or go on in a copy of the project"
        yield Finding("problem", "results", f"{there}: nothing can be written there: {reason}", mend)
    else:
        yield room("results", project.runs, f"results in {project.runs}")


def drivers(project: Project | None) -> Iterator[Finding]:
    """Studies and runs that are under way."""
    from sparsetune.search.lock import refuse_if_held

    if project is None:
        return
    for lock in sorted((project.runs / "locks").glob("*.lock")):
        try:
            refuse_if_held(lock, lock.stem)
        except BadInput as error:
            yield Finding("note", "drivers", error.problem.partition(";")[0])

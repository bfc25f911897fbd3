"""The project: its root, where results go, who works in it, and which data sets can be loaded from there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from sparsetune.base.errors import BadInput, in_utf8
from sparsetune.base.layout.text import size
from sparsetune.base.paths import Project, why_no_files
from sparsetune.base.shelf import Shelf
from sparsetune.doctor.finding import Finding
from sparsetune.doctor.machine import room


def project_root(project: Project | None) -> Iterator[Finding]:
    """Where commands look for spaces and results."""
    if project is None:
        try:
            in_utf8(Path.cwd())
        except BadInput as error:
            yield Finding("problem", "project", error.sentence, "rename that folder")
            return
        says = f"none: no folder upward from {Path.cwd()} has search_spaces/"
        yield Finding("note", "project", says, "sparsetune init DIR writes one; or name one with --root")
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


def shelf(project: Project | None) -> Iterator[Finding]:
    """What trials of the project have in common, and can be trained again."""
    if project is None or not os.path.lexists(project.shelf):
        return
    if reason := why_no_files(project.shelf):
        mend = "make it a folder that you may write to, or remove it: until then each trial trains all of its own"
        yield Finding("problem", "shelf", f"{project.shelf}: nothing can be written there: {reason}", mend)
        return
    items = Shelf(project.shelf).items()
    taken = f"stages that trials have in common: {len(items):,}, {size(sum(item.nbytes for item in items))}"
    yield Finding("ok", "shelf", f"{taken}; sparsetune clean removes them")


def drivers(project: Project | None) -> Iterator[Finding]:
    """Studies and runs that are under way."""
    from sparsetune.search.lock import refuse_if_held

    if project is None:
        return
    for lock in sorted((project.runs / "locks").glob("*.lock")):
        try:
            refuse_if_held(lock, lock.stem)
        except BadInput as error:
            yield Finding("note", "drivers", error.sentence.partition(";")[0])


def data_sets(project: Project | None) -> Iterator[Finding]:
    """Those that are here, those whose files are missing, and each whose files are broken."""
    from sparsetune.data.roots import VARIABLE
    from sparsetune.fetch.presence import presences

    named = os.environ.get(VARIABLE)
    if named and not Path(named).expanduser().is_dir():
        mend = f"set {VARIABLE} to the folder that has MNIST/raw and others, or unset it"
        yield Finding("problem", "data", f"{VARIABLE}={named} is no folder", mend)
    sets = list(presences(project.root if project else Path.cwd()))
    here = [each.name for each in sets if each.state == "here"]
    missing = [each.name for each in sets if each.state == "missing"]
    yield Finding("ok", "data", f"here: {', '.join(here)}")
    if missing:
        yield Finding("note", "data", f"not here: {', '.join(missing)}", "sparsetune data fetch NAME")
    for each in sets:
        if each.state == "broken":
            yield Finding("problem", "data", f"{each.name}: {each.problem}", each.mend)

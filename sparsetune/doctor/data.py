"""Which data sets can be loaded from here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from sparsetune.config.paths import Project
from sparsetune.doctor.finding import Finding, State

_STATES: dict[str, State] = {"here": "ok", "yours": "ok", "missing": "note", "broken": "problem"}


def data_sets(project: Project | None) -> Iterator[Finding]:
    """A line for each data set; files that are missing are a note, files that are broken a problem."""
    from sparsetune.fetch.presence import presences
    from sparsetune.training.data.roots import VARIABLE

    named = os.environ.get(VARIABLE)
    if named and not Path(named).expanduser().is_dir():
        mend = f"set {VARIABLE} to the folder that has MNIST/raw and others, or unset it"
        yield Finding("problem", "data", f"{VARIABLE}={named} is no folder", mend)
    for found in presences(project.root if project else Path.cwd()):
        where = f", in {found.where}" if found.where else ""
        said = found.problem or f"{found.card}{where}"
        yield Finding(_STATES[found.state], "data", f"{found.name}: {said}", found.mend)

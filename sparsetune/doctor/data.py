"""Which data sets can be loaded from here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from sparsetune.base.paths import Project
from sparsetune.doctor.finding import Finding


def data_sets(project: Project | None) -> Iterator[Finding]:
    """Those that are here, those whose files are missing, and each whose files are broken."""
    from sparsetune.data.roots import VARIABLE
    from sparsetune.fetch.presence import presences

    named = os.environ.get(VARIABLE)
    if named and not Path(named).expanduser().is_dir():
        mend = f"set {VARIABLE} to the folder that has MNIST/raw and others, or unset it"
        yield Finding("problem", "data", f"{VARIABLE}={named} is no folder", mend)
    found = list(presences(project.root if project else Path.cwd()))
    here = [each.name for each in found if each.state == "here"]
    missing = [each.name for each in found if each.state == "missing"]
    yield Finding("ok", "data", f"here: {', '.join(here)}")
    if missing:
        yield Finding("note", "data", f"not here: {', '.join(missing)}", "sparsetune data fetch NAME")
    for each in found:
        if each.state == "broken":
            yield Finding("problem", "data", f"{each.name}: {each.problem}", each.mend)

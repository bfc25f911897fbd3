"""Which data sets can be loaded from here."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator
from pathlib import Path

from sparsetune.config.errors import BadInput
from sparsetune.config.paths import Project
from sparsetune.doctor.finding import Finding


def data_sets(project: Project | None) -> Iterator[Finding]:
    """A line for each data set; files that are missing are a note, files that are broken a problem."""
    from sparsetune.training.data import DATA
    from sparsetune.training.data.roots import VARIABLE

    named = os.environ.get(VARIABLE)
    if named and not Path(named).expanduser().is_dir():
        mend = f"set {VARIABLE} to the folder that has MNIST/raw and others, or unset it"
        yield Finding("problem", "data", f"{VARIABLE}={named} is no folder", mend)
    for name in DATA.names():
        entry = DATA.get(name)
        try:
            config = entry.locate(entry.Config(), project.root if project else Path.cwd())
        except BadInput as error:
            found, _, mend = error.problem.partition("; ")
            where = f"{error.source}: " if error.source else ""
            yield Finding("problem" if where else "note", "data", f"{name}: {where}{found}", mend)
        else:
            root = getattr(config, "root", None)
            card = (inspect.getdoc(entry) or "").splitlines()[0].rstrip(".")
            yield Finding("ok", "data", f"{name}: {card}{f', in {root}' if root else ''}")

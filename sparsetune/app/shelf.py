"""Whether trials take from the project's shelf, and leave there, what they have in common."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from sparsetune.base.paths import Project, why_no_files
from sparsetune.base.shelf import GB


def shelf_options(project: Project, gb: float, warn: Callable[[str], None]) -> dict[str, Any]:
    """What a :class:`~sparsetune.base.messages.Job` is told of the project's shelf; nothing where there is to be none.

    Args:
        gb: that it may take.
        warn: is told what keeps it from being used.
    """
    reason = why_no_files(project.shelf) if gb and os.path.lexists(project.shelf) else ""
    if reason:
        warn(f"each trial trains all of its own: nothing can be written in {project.shelf}: {reason}")
    return {"shelf": str(project.shelf), "shelf_bytes": int(gb * GB)} if gb and not reason else {}

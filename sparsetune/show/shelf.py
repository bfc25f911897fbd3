"""What a project's shelf holds, and what cleaning it has freed."""

from __future__ import annotations

import os
from pathlib import Path

from sparsetune.base.errors import BadInput
from sparsetune.base.layout.console import open_console
from sparsetune.base.layout.text import size
from sparsetune.base.paths import why_no_files
from sparsetune.base.shelf import Shelf
from sparsetune.show.words import document


def show_clean(folder: Path, unused_for: float, *, dry_run: bool, as_json: bool) -> None:
    """Remove what nobody has used for so many seconds, and say how much that was; raises :class:`BadInput`."""
    if os.path.lexists(folder) and (reason := why_no_files(folder)):
        raise BadInput(f"nothing can be removed there: {reason}", source=folder, code="unavailable")
    chosen = Shelf(folder).unused_for(unused_for)
    if not dry_run:
        for item in chosen:
            item.path.unlink(missing_ok=True)
    count, nbytes = len(chosen), sum(item.nbytes for item in chosen)
    if as_json:
        document({"folder": str(folder), "files": count, "bytes": nbytes, "removed": not dry_run})
        return
    said = f"{'would remove' if dry_run else 'removed'} {_counted(count)}, {size(nbytes)}, of {folder}"
    open_console().print(said if chosen else f"nothing to remove in {folder}", highlight=False, soft_wrap=True)


def _counted(count: int) -> str:
    return "1 stage" if count == 1 else f"{count:,} stages"

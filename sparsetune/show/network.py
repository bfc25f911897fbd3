"""A network's file that was written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sparsetune.base.layout.printable import printable
from sparsetune.base.layout.text import size
from sparsetune.show.words import document

if TYPE_CHECKING:
    from sparsetune.app.exported import ExportedFile


def show_exported(file: ExportedFile, *, as_json: bool) -> None:
    """One line: where it lies, how large it is, what it is of; then Python that loads it, to copy."""
    if as_json:
        loading = list(file.loading)
        content = {"path": str(file.path), "format": file.format, "bytes": file.bytes, "loading": loading}
        document({**content, "words": dict(file.words)})
        return
    print(printable(f"{file.path}: {size(file.bytes)}, {file.words['network']}{_gone(file.words.get('neurons', {}))}"))
    for line in file.loading:
        print(printable(line))


def _gone(neurons: Mapping[str, Any]) -> str:
    """How many neurons and channels have gone, where any have."""
    gone = neurons.get("removed", 0)
    return f"; without {gone} of {neurons['hidden']} neurons or channels, which had no path" if gone else ""

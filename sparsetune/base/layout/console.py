"""Where text is printed: what goes to a terminal fits it, elsewhere a line stays a line.

No text of an input acts on it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import IO

from rich import console
from rich.segment import Segment

from sparsetune.base.layout.printable import printable_lines

_ENDLESS = 100_000  # characters: nothing is that wide


class Console(console.Console):
    """rich's, but that control characters in what it prints are shown escaped; its own stay."""

    def render(
        self, renderable: console.RenderableType, options: console.ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable_lines(segment.text), segment.style)


def open_console(*, file: IO[str] | None = None, stderr: bool = False, quiet: bool = False) -> Console:
    """A console on stdout, stderr or a file; where that is no terminal as wide as COLUMNS says, or endless."""
    console = Console(file=file, stderr=stderr, quiet=quiet)
    if not (console.is_jupyter or _is_terminal(console.file) or os.environ.get("COLUMNS", "").isdigit()):
        console.width = _ENDLESS
    return console


def _is_terminal(file: IO[str] | None) -> bool:
    try:
        return file is not None and file.isatty()
    except ValueError:  # closed
        return False

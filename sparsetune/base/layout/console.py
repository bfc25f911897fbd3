"""Where text is printed: what goes to a terminal fits it, elsewhere a line stays a line."""

from __future__ import annotations

import os
from typing import IO

from sparsetune.base.layout.terminal import Console

_ENDLESS = 100_000  # characters: nothing is that wide


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

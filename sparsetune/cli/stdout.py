"""What becomes of a command when stdout takes no more: its reader has left, or its disk is full.

A reader that leaves early (``sparsetune export x | head -1``) ends a command in silence, with code 141. Left alone,
Python would write what is buffered when it exits, complain on stderr and end with code 120.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Callable

from sparsetune.base.disk import disk_trouble

READER_LEFT = 128 + signal.SIGPIPE  # what a shell shows for a command that died of it
NO_ROOM = 74


def written_out(run: Callable[[], object]) -> None:
    """Run a command, and write what it has left in the buffer. If that fails, a command that went well did not."""
    code: str | int | None = 0
    trouble: OSError | None = None
    try:
        run()
    except SystemExit as end:
        code = end.code
        trouble = end.__context__ if isinstance(end.__context__, BrokenPipeError) else None  # by rich or typer
    except OSError as error:
        if not isinstance(error, BrokenPipeError) and disk_trouble(error) is None:
            raise
        trouble = error
    try:
        print(end="", flush=True)  # also where stdout is closed, which is no trouble
    except OSError as left:
        _divert()
        trouble = trouble or (None if code else left)
    if isinstance(trouble, BrokenPipeError):
        code = READER_LEFT
    elif trouble is not None:
        print(f"error: {disk_trouble(trouble) or trouble}", file=sys.stderr)
        code = NO_ROOM
    sys.exit(code)


def reader_left() -> bool:
    """Whether stdout is a pipe that nobody reads any more."""
    try:
        state = select.poll()
        state.register(sys.stdout.fileno(), 0)
        return bool(state.poll(0))  # an error or a hang-up: nothing else is asked for
    except (AttributeError, OSError, ValueError):  # closed, or no file of the system
        return False


def _divert() -> None:
    """What is left in the buffer goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)

"""Small pieces of what is printed."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from typing import Any

from rich.markup import escape

BESIDE = ("test_accuracy", "activation_rate")  # shown beside the objectives, where trials have them


def plain(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)


def command(*words: object) -> str:
    """A command line that can be pasted: with the path of this program where the shell would not find it."""
    program = "sparsetune" if shutil.which("sparsetune") else os.path.relpath(sys.argv[0])
    return escape(shlex.join([program, *map(str, words)]))

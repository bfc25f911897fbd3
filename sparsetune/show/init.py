"""What `init` wrote, and what comes next."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from sparsetune.base.layout.printable import printable


def show_written(folder: Path, written: Sequence[Path]) -> None:
    """The files, and commands to paste."""
    for path in written:
        print(printable(f"wrote {path}"))
    print("\nNext:")
    if folder.resolve() != Path.cwd():
        print(printable(f"  cd {shlex.quote(str(folder))}"))
    print("  sparsetune doctor                        # is all here that a study needs?")
    print("  sparsetune study studies/smoke.yaml      # two short trials")
    print("  sparsetune study studies/ast_pi.yaml     # 40 trials, about a minute")

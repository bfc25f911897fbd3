"""What `init` has written and what comes next; what the doctor has found, a line each as it becomes known."""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sparsetune.base.layout.console import open_console
from sparsetune.base.layout.printable import printable
from sparsetune.base.paths import Project

if TYPE_CHECKING:
    from sparsetune.doctor.finding import Finding

_STYLES = {"ok": "green", "note": "yellow", "problem": "bold red"}
_STATE, _WHAT = 8, 14  # widths of the first two columns


def show_doctor(project: Project | None, *, as_json: bool, progress: Console) -> int:
    """Carry out all checks and print what they find; returns the number of problems.

    Args:
        project: None to look at the machine alone.
        progress: says what is being looked at, for a check can take seconds.
    """
    from sparsetune.doctor.checks import CHECKS, carry_out  # with all that they look at, which `init` does not need

    console = open_console()
    all_findings: list[Finding] = []
    for what, check in CHECKS.items():
        with progress.status(f"looking at {what} ...", spinner="line"):
            findings = carry_out(what, check, project)
        all_findings += findings
        if not as_json:
            for finding in findings:
                _print(console, finding)
    counts = Counter(finding.state for finding in all_findings)
    if as_json:
        print(json.dumps([dataclasses.asdict(finding) for finding in all_findings], indent=2))
    else:
        console.print(f"{counts['ok']} ok, {counts['note']} to note, {counts['problem']} to mend", highlight=False)
    return counts["problem"]


def _print(console: Console, finding: Finding) -> None:
    """What was found is wrapped under itself; the mend is left whole, so that it can be pasted."""
    line = Table.grid(padding=0)
    line.add_column(width=_STATE, style=_STYLES[finding.state])
    line.add_column(width=_WHAT)
    line.add_column(overflow="fold")
    line.add_row(finding.state, finding.what, Text(printable(finding.found)))
    console.print(line)
    if finding.mend:
        console.print(Text(printable(f"{'':<{_STATE}}-> {finding.mend}")), soft_wrap=True)


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

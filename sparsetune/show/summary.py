"""The answer at the end of a study or of single runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from sparsetune.config.messages import Trial
from sparsetune.config.paths import without_password
from sparsetune.config.study import Study
from sparsetune.report.tables import heading, plain_table, single_table, trial_row, trial_table

if TYPE_CHECKING:
    from sparsetune.study import Summary

from sparsetune.show.words import BESIDE, command


def show_summary(study: Study, summary: Summary) -> None:
    """The answer of a study: its best trials, its failures, and where to look further."""
    console = Console()
    shown = [f"{count} {state.lower()}" for state, count in summary.counts.items() if count]
    console.print(f"\n[bold]{escape(summary.name)}[/bold]: {', '.join(shown) or 'no trials'}", highlight=False)
    if summary.front:
        names = [*summary.metrics, *BESIDE]
        if len(summary.metrics) == 1:
            console.print(single_table(summary.front[0], names, "Best trial"))
        else:
            console.print(trial_table(summary.front, names, "Pareto front", console.width))
    for trial in summary.failures[:5]:
        console.print(f"[red]trial {trial.number} failed[/red]: {escape(trial.reason)}", highlight=False)
    if len(summary.failures) > 5:
        console.print(
            f"and {len(summary.failures) - 5} more: {command('export', study.name, '--csv')}", highlight=False
        )
    if summary.front:
        pick = ["--trial", summary.front[0].number] if len(summary.metrics) > 1 else []
        if study.storage != study.project.storage_url:
            pick += ["--storage", without_password(study.storage)]
        best = f" (best {heading(summary.metrics[0])})" if len(summary.metrics) > 1 else ""
        hint = f"A config to go on with{best}: {command('best', study.name, *pick)}"
        console.print(hint, highlight=False, soft_wrap=True)
    console.print(f"Every trial with its curves: {command('ui', study.name)}", highlight=False, soft_wrap=True)


def show_runs(results: Sequence[tuple[str, Trial]], *, as_json: bool) -> None:
    """What single runs gave."""
    if as_json:
        print(json.dumps([{"name": name, **trial_row(trial)} for name, trial in results], indent=1))
        return
    console = Console()
    names = ("val_accuracy", "test_accuracy", "val_loss", "compute_saved", "step_time_ms", "time_min")
    table = plain_table()
    for name in ("run", "state", *names):
        table.add_column(heading(name), justify="left" if name in ("run", "state") else "right")
    for name, trial in results:
        table.add_row(
            escape(name), trial.state, *(f"{trial.metrics[n]:.4g}" if n in trial.metrics else "" for n in names)
        )
    console.print(table)
    for name, trial in results:
        if trial.reason:
            console.print(f"[red]{escape(name)}[/red]: {escape(trial.reason)}", highlight=False)

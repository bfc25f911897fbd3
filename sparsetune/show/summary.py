"""The answer at the end of a study or of single runs."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from sparsetune.base.errors import BadInput
from sparsetune.base.layout.console import open_console
from sparsetune.base.layout.text import heading
from sparsetune.base.messages import SAME_AS, Trial
from sparsetune.base.paths import TICKET, find_root
from sparsetune.base.secrets import without_password
from sparsetune.config.registry import Registry
from sparsetune.config.study.constraints import held
from sparsetune.config.study.study import Study
from sparsetune.report.listing import trial_row
from sparsetune.report.tables import levels_tables, recorded
from sparsetune.show.answer import best, ended, soundness, time_spent, unguarded, unsound
from sparsetune.show.arms import arms_compared
from sparsetune.show.methods import methods_compared
from sparsetune.show.words import command_line, listing, picked
from sparsetune.sparsity.methods import METHODS

if TYPE_CHECKING:
    from sparsetune.app.study import Summary

_OF_RUNS = (
    "val_accuracy", "test_accuracy", "val_r2", "test_r2", "val_loss", "compute_saved", "step_time_ms", "own_time_min",
)  # fmt: skip


def show_summary(study: Study, summary: Summary) -> None:
    """The answer of a study: its best trials and how to read them, what it cost, and how to go on."""
    console = open_console()
    shown = [f"{count} {state.lower()}" for state, count in summary.counts.items() if count]
    console.print(f"\n[bold]{escape(study.name)}[/bold]: {', '.join(shown) or 'no trials'}", highlight=False)
    rows, metrics = summary.rows, study.registries.metrics
    sounds = unguarded(metrics, study.constraints)
    if summary.won.front:
        for part in best(
            study.objectives, summary.won.front, rows, console.width, metrics, unsound(summary.won.front, sounds)
        ):
            console.print(part, highlight=False)
        console.print()
        for part in methods_compared(study.objectives, rows, summary.won.front):
            console.print(part, highlight=False)
        names = [each.metric for each in study.objectives]
        for part in arms_compared(study.registries.method, names, rows, summary.won.front):
            console.print(part, highlight=False)
        trial = next(each for each in summary.trials if each.number == summary.won.front[0].number)
        _show_levels(console, study.registries.method, trial)
    for line in (*soundness(rows, sounds), *held(study.constraints, rows)):
        console.print(Text(line), highlight=False)
    for part in ended(study, summary.trials, rows, console.width):
        console.print(part, highlight=False)
    if not any(row.state == "COMPLETE" for row in rows):
        console.print("No trial completed, so there is nothing to choose from.", highlight=False)
    spent = time_spent(summary.trials)
    if spent:
        console.print(spent, highlight=False)
    for line in _go_on(study, summary):
        console.print(escape(line), highlight=False, soft_wrap=True)


def _go_on(study: Study, summary: Summary) -> Iterator[str]:
    """What to type next."""
    root = _root(study)
    if summary.won.front:
        first = summary.won.front[0]
        default = study.storage == study.project.storage_url
        where = [*([] if default else ["--storage", without_password(study.storage)]), *root]
        pick = [*(picked(first) if len(study.objectives) > 1 else []), *where]
        file = f"trial_{re.sub(r'[^a-zA-Z0-9.-]+', '_', first.label)}.yaml"
        yield f"Keep its config:      {command_line('best', study.name, *pick)} > {file}"
        files = (os.path.relpath(study.source.parent / each.name) for each in study.imports)
        own = [word for name in files for word in ("--import", name)]
        yield f"Train it again:       {command_line('run', file, *own, *root)}"
        yield f"What settings mean:   {command_line('methods', first.config['method']['name'], *own)}"
        if _leaves_tickets(study, first):
            of = [study.name, *_one_run(study, first), *where]
            yield f"Its ticket:           {command_line('ticket', 'show', *of)}"
    yield f"Table and charts:     {command_line('ui', study.name, *root)}"


def _root(study: Study) -> list[object]:
    """The option that says where the project is, where this folder is not in it."""
    with contextlib.suppress(BadInput):
        if find_root(Path.cwd()) == study.project.root:
            return []
    return ["--root", min(os.path.relpath(study.project.root), str(study.project.root), key=len)]


def _leaves_tickets(study: Study, row: Trial) -> bool:
    from sparsetune.sparsity.tickets import leaves_tickets

    method = study.registries.method.get(row.config["method"]["name"])
    return SAME_AS not in row.notes and leaves_tickets(method)


def _one_run(study: Study, row: Trial) -> list[object]:
    """The options that choose a run of a row, of several replicates the first."""
    seed = ["--seed", row.runs[0].key.seed] if len(row.runs) > 1 else []
    uri = ["--uri", without_password(study.tracking.uri)] if study.tracking.uri else []
    return [*picked(row), *seed, *uri]


def _show_levels(console: Console, methods: Registry, trial: Trial) -> None:
    """Of a trial whose runs have several results, what each level has come to, each table with an empty line after."""
    name = trial.config["method"]["name"]
    wanted = methods.get(name).results_figure if name in methods.names() else None
    for table in levels_tables(trial, wanted) if wanted else ():
        console.print(table, highlight=False)
        console.print()


def show_runs(results: Sequence[tuple[str, Trial]], *, as_json: bool, out: Path | None = None) -> None:
    """What single runs gave, of one alone its levels, too; with ``out`` also which have left a ticket there."""
    if as_json:
        print(json.dumps([{"name": name, **trial_row(trial)} for name, trial in results], indent=1))
        return
    console = open_console()
    trials = [trial for _, trial in results]
    names = recorded(_OF_RUNS, trials)
    table = listing("run", "state", *map(heading, names), right=map(heading, names))
    for name, trial in results:
        table.add_row(
            escape(name), trial.state, *(f"{trial.metrics[n]:.4g}" if n in trial.metrics else "" for n in names)
        )
    console.print(table)
    for trial in trials if len(trials) == 1 else ():
        console.print()
        _show_levels(console, METHODS, trial)
    for name, trial in results:
        if trial.reason:
            console.print(f"[red]{escape(name)}[/red]: {escape(trial.reason)}", highlight=False)
    for name, _ in results:
        folder = None if out is None else out if len(results) == 1 else out / name
        if folder is not None and (folder / TICKET).is_file():
            line = f"Ticket of {name}: {command_line('ticket', 'show', folder)}"
            console.print(escape(line), highlight=False, soft_wrap=True)

"""Configs and trials of a stored study, and networks of it that were registered."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.text import Text

from sparsetune.base.errors import BadInput
from sparsetune.base.layout.console import open_console
from sparsetune.base.layout.printable import printable, printable_lines
from sparsetune.base.messages import Trial
from sparsetune.base.yaml_io import dump
from sparsetune.report.arms_figure import draw_arms
from sparsetune.report.by_arm import by_arm
from sparsetune.report.front_figure import draw_front
from sparsetune.report.listing import result_rows, results_csv, special, trial_row, trials_csv, with_replicates
from sparsetune.report.original import original_csv
from sparsetune.report.tables import metric, trial_table
from sparsetune.show.answer import columns, soundness, unguarded, unsound
from sparsetune.show.methods import methods_compared
from sparsetune.show.words import command_line, document, of_replicates, picked
from sparsetune.sparsity.methods import METHODS, METRICS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sparsetune.app.api import StudyResult
    from sparsetune.app.api.register import Registered


def show_best(result: StudyResult, number: int | None, branch: str, *, as_json: bool) -> None:
    """A config, or the front."""
    chosen = _chosen(result, number, branch)
    if as_json:
        _print([chosen] if chosen else result.stored.front)
    elif chosen:
        values = ", ".join(f"{name} {metric(chosen, name, 6)}" for name in result.objectives if name in chosen.metrics)
        replicated = of_replicates([chosen])
        said = f" ({replicated})" if replicated else ""
        print(printable(f"# study {result.name}, trial {chosen.label}: {values or chosen.state}{said}"))
        for line in _formulas(result):
            print(printable(f"# {line}"))
        print(dump(chosen.config), end="")
    else:
        _show_front(result)


def _show_front(result: StudyResult) -> None:
    console, front = open_console(), result.stored.front
    title = f"{escape(result.name)}: Pareto front"
    sounds = unguarded(METRICS, result.stored.constraints)
    table = trial_table(front, columns(result.objectives), title, console.width, unsound(front, sounds))
    console.print(table)
    for part in methods_compared(result.stored.objectives, result.stored.rows, front):
        console.print(part, highlight=False)
    remarks = soundness(result.stored.rows, sounds)
    for line in [*_formulas(result), *filter(None, [of_replicates(front)]), *remarks]:
        console.print(Text(line))
    hint = f"The config of one: {command_line('best', result.name, *picked(front[0]))}"
    open_console(stderr=True).print(escape(hint), highlight=False, soft_wrap=True)


def draw_best(result: StudyResult, path: Path) -> None:
    """Draw the front into a file, of one objective the arms.

    Raises:
        BadInput: it is no place for a PNG, or there are neither.
    """
    if path.suffix != ".png" or not path.parent.is_dir():
        raise BadInput(found=repr(str(path)), allowed="a PNG (x.png) in a folder that is there", key="--figure")
    rows, objectives = result.stored.rows, result.stored.objectives
    if not (draw_front(path, rows, objectives) or draw_arms(path, by_arm(rows, METHODS), objectives[0].metric)):
        problem = "nothing to draw: a front wants two objectives and a row that may win, arms two of a config"
        raise BadInput(problem, key="--figure")


def _formulas(result: StudyResult) -> list[str]:
    return [f"{name} = {formula}" for name, formula in result.stored.formulas.items()]


def _chosen(result: StudyResult, number: int | None, branch: str) -> Trial | None:
    """The row that was asked for, or the best; None where there is a front to show."""
    if number is None:
        return None if len(result.objectives) > 1 and result.stored.front else result.best
    result.config(number, branch)  # refuses a trial of several branches
    return result.trial(number, branch)


def show_export(result: StudyResult, *, as_json: bool) -> None:
    """All rows, with their replicates."""
    if as_json:
        _print(with_replicates(result.stored.rows))
    else:
        text = trials_csv(result.stored.rows)
        sys.stdout.write(printable_lines(text) if sys.stdout.isatty() else text)


def show_results(result: StudyResult, *, as_json: bool) -> None:
    """A line for each result of each run; of a run with one that is its end."""
    lines = [line for row in result.stored.rows for line in result_rows(row)]
    text = json.dumps(lines, indent=1) + "\n" if as_json else results_csv(lines)
    sys.stdout.write(printable_lines(text) if sys.stdout.isatty() else text)


def show_original(result: StudyResult) -> None:
    """A line a run, in the columns of the program that its method comes from.

    Raises:
        BadInput: no method of the study comes from one that wrote such a table.
    """
    names = dict.fromkeys(row.config["method"]["name"] for row in result.stored.rows)
    tables = [METHODS.get(name).runs_table for name in names if name in METHODS.names()]
    table = next(filter(None, tables), None)
    if table is None:
        words = f"{', '.join(names) or 'no trial'}: the originals wrote no table of runs"
        raise BadInput(words, key="--original", allowed="--csv")
    text = original_csv(result.name, result.stored.rows, table)
    sys.stdout.write(printable_lines(text) if sys.stdout.isatty() else text)


def _print(rows: Sequence[Trial]) -> None:
    fields = special(rows)
    document([{**trial_row(row, fields), "config": row.config} for row in rows])


def show_registered(model: Registered, *, as_json: bool) -> None:
    """One line, whose second half is Python that loads the model."""
    if as_json:
        document({**asdict(model), "address": model.address})
        return
    where, address = json.dumps(model.uri), json.dumps(model.address)
    load = f"mlflow.set_tracking_uri({where}); network = mlflow.pytorch.load_model({address})"
    print(f"{model.run} is {model.name} version {model.version}; in Python: import mlflow; {load}")

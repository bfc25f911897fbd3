"""Configs and trials of a stored study."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from sparsetune.config.errors import BadInput
from sparsetune.config.messages import Trial
from sparsetune.config.yaml_io import dump
from sparsetune.report.files import trials_csv
from sparsetune.report.tables import trial_row, trial_table
from sparsetune.show.words import BESIDE, command

if TYPE_CHECKING:
    from sparsetune.api import StudyResult


def show_best(result: StudyResult, number: int | None, *, as_json: bool) -> None:
    """A config, or the front."""
    front = [result.trial(i) for i in result.stored.front]
    chosen = _chosen(result, number)
    if as_json:
        trials = [chosen] if chosen else front
        print(json.dumps([{**trial_row(trial), "config": trial.config} for trial in trials], indent=1))
    elif chosen:
        values = ", ".join(f"{m} {chosen.metrics[m]:.6g}" for m in result.objectives if m in chosen.metrics)
        print(f"# study {result.name}, trial {chosen.number}: {values or chosen.state}")
        print(dump(chosen.config), end="")
    else:
        console = Console()
        title = f"{escape(result.name)}: Pareto front"
        console.print(trial_table(front, [*result.objectives, *BESIDE], title, console.width))
        hint = f"The config of one: {command('best', result.name, '--trial', front[0].number)}"
        Console(stderr=True).print(hint, highlight=False, soft_wrap=True)


def _chosen(result: StudyResult, number: int | None) -> Trial | None:
    """The trial that was asked for, or the best; None where there is a front to show."""
    if number is None:
        return None if len(result.objectives) > 1 and result.stored.front else result.best
    try:
        return result.trial(number)
    except BadInput as error:
        raise BadInput(error.problem, key="--trial") from None


def show_export(result: StudyResult, *, as_json: bool) -> None:
    """All trials."""
    trials = result.stored.trials
    if as_json:
        print(json.dumps([{**trial_row(trial), "config": trial.config} for trial in trials], indent=1))
    else:
        sys.stdout.write(trials_csv(trials))

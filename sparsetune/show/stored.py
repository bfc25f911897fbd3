"""Configs and trials of a stored study."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from sparsetune.config.errors import BadInput
from sparsetune.config.yaml_io import dump
from sparsetune.report.files import trials_csv
from sparsetune.report.tables import trial_row, trial_table

if TYPE_CHECKING:
    pass

from sparsetune.show.words import BESIDE, command


def show_best(url: str, name: str, number: int | None, *, as_json: bool) -> None:
    """A config, or the front."""
    from sparsetune.search.storage import read_study

    stored = read_study(url, name)
    if number is not None and not 0 <= number < len(stored.trials):
        raise BadInput(f"found {number}, allowed: 0 to {len(stored.trials) - 1}", key="--trial")
    if number is None and not stored.front:
        raise BadInput(f"study {name!r} has no complete trial yet", key="best")
    front = [stored.trials[i] for i in stored.front]
    chosen = stored.trials[number] if number is not None else front[0] if len(stored.metrics) == 1 else None
    if as_json:
        trials = [chosen] if chosen else front
        print(json.dumps([{**trial_row(trial), "config": trial.config} for trial in trials], indent=1))
    elif chosen:
        values = ", ".join(f"{m} {chosen.metrics[m]:.6g}" for m in stored.metrics if m in chosen.metrics)
        print(f"# study {name}, trial {chosen.number}: {values or chosen.state}")
        print(dump(chosen.config), end="")
    else:
        console = Console()
        console.print(trial_table(front, [*stored.metrics, *BESIDE], f"{escape(name)}: Pareto front", console.width))
        hint = f"The config of one: {command('best', name, '--trial', front[0].number)}"
        Console(stderr=True).print(hint, highlight=False, soft_wrap=True)


def show_export(url: str, name: str, *, as_json: bool) -> None:
    """All trials."""
    from sparsetune.search.storage import read_study

    trials = read_study(url, name).trials
    if as_json:
        print(json.dumps([{**trial_row(trial), "config": trial.config} for trial in trials], indent=1))
    else:
        sys.stdout.write(trials_csv(trials))

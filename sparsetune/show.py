"""What the commands print. Results go to stdout; tables where people read, JSON or YAML where programs do."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from sparsetune.config.errors import BadInput
from sparsetune.config.messages import Trial
from sparsetune.config.metrics import METRICS
from sparsetune.config.paths import without_password
from sparsetune.config.study import Study
from sparsetune.config.yaml_io import dump
from sparsetune.driver import counts
from sparsetune.report.files import trials_csv
from sparsetune.report.tables import heading, plain_table, single_table, trial_row, trial_table

if TYPE_CHECKING:
    from sparsetune.study import Summary

_BESIDE = ("test_accuracy", "activation_rate")  # shown beside the objectives, where trials have them


def show_dry_run(study: Study) -> None:
    """The resolved study, and three configs that its sampler draws."""
    from sparsetune.assembly import registries
    from sparsetune.search.ledger import preview

    print(f"# {study.source}, resolved")
    print(dump(study.resolved()))
    print("# three configs as they would be drawn before any trial has finished")
    print(dump(preview(study, registries(), 3)), end="")


def show_summary(study: Study, summary: Summary) -> None:
    """The answer of a study: its best trials, its failures, and where to look further."""
    console = Console()
    shown = [f"{count} {state.lower()}" for state, count in summary.counts.items() if count]
    console.print(f"\n[bold]{escape(summary.name)}[/bold]: {', '.join(shown) or 'no trials'}", highlight=False)
    if summary.front:
        names = [*summary.metrics, *_BESIDE]
        if len(summary.metrics) == 1:
            console.print(single_table(summary.front[0], names, "Best trial"))
        else:
            console.print(trial_table(summary.front, names, "Pareto front", console.width))
    for trial in summary.failures[:5]:
        console.print(f"[red]trial {trial.number} failed[/red]: {escape(trial.reason)}", highlight=False)
    if len(summary.failures) > 5:
        console.print(
            f"and {len(summary.failures) - 5} more: {_command('export', study.name, '--csv')}", highlight=False
        )
    if summary.front:
        pick = ["--trial", summary.front[0].number] if len(summary.metrics) > 1 else []
        if study.storage != study.project.storage_url:
            pick += ["--storage", without_password(study.storage)]
        best = f" (best {heading(summary.metrics[0])})" if len(summary.metrics) > 1 else ""
        hint = f"A config to go on with{best}: {_command('best', study.name, *pick)}"
        console.print(hint, highlight=False, soft_wrap=True)
    console.print(f"Every trial with its curves: {_command('ui', study.name)}", highlight=False, soft_wrap=True)


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


def show_status(url: str, name: str | None, *, as_json: bool) -> None:
    """Counts of trials and the best values of each study."""
    from sparsetune.search.storage import read_study, study_names

    names = [name] if name is not None else study_names(url)
    rows: list[dict[str, Any]] = []
    for each in names:
        stored = read_study(url, each)
        numbers = zip(stored.metrics, stored.best_by_metric, strict=False)  # none while no trial is complete
        best = {metric: stored.trials[number].metrics.get(metric) for metric, number in numbers}
        rows.append({"study": each, **{k.lower(): v for k, v in counts(stored.trials).items()}, "best": best})
    if as_json:
        print(json.dumps(rows if name is None else rows[0], indent=1))
        return
    table = plain_table()
    for head in ("study", "complete", "pruned", "fail", "running"):
        table.add_column(head, justify="left" if head == "study" else "right")
    table.add_column("best")
    for row in rows:
        best_text = "  ".join(f"{metric} {value:.4g}" for metric, value in row["best"].items())
        table.add_row(
            escape(row["study"]), *(str(row[k]) for k in ("complete", "pruned", "fail", "running")), best_text
        )
    Console().print(table if rows else "no studies yet; start one with: sparsetune study FILE")


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
        console.print(trial_table(front, [*stored.metrics, *_BESIDE], f"{escape(name)}: Pareto front", console.width))
        hint = f"The config of one: {_command('best', name, '--trial', front[0].number)}"
        Console(stderr=True).print(hint, highlight=False, soft_wrap=True)


def show_export(url: str, name: str, *, as_json: bool) -> None:
    """All trials."""
    from sparsetune.search.storage import read_study

    trials = read_study(url, name).trials
    if as_json:
        print(json.dumps([{**trial_row(trial), "config": trial.config} for trial in trials], indent=1))
    else:
        sys.stdout.write(trials_csv(trials))


def show_methods(name: str | None) -> None:
    """The methods with the first line of their cards; one of them in full."""
    import inspect

    from sparsetune.sparsity.methods import METHODS

    console = Console()
    if name is None:
        table = plain_table()
        for head in ("method", "what it is"):
            table.add_column(head)
        for each in METHODS.names():
            card = inspect.getmodule(METHODS.get(each)).__doc__ or ""
            table.add_row(each, card.splitlines()[0])
        console.print(table)
        return
    method = METHODS.get(name)
    console.print(inspect.getdoc(inspect.getmodule(method)) or "", highlight=False, markup=False, soft_wrap=True)
    table = plain_table()
    for head in ("setting", "default", "unit", "from phase", "what it is"):
        table.add_column(head)
    for key, field in method.Config.model_fields.items():
        notes: Any = field.json_schema_extra or {}
        if key != "name":
            table.add_row(key, _plain(field.default), notes.get("unit"), notes.get("phase"), field.description)
    console.print(table)
    if method.metrics:
        console.print(f"metrics of its own: {', '.join(method.metrics)}", highlight=False)


def show_metrics() -> None:
    """The table of metrics."""
    table = plain_table()
    for head in ("metric", "unit", "better", "of", "definition"):
        table.add_column(head)
    better = {"maximize": "higher", "minimize": "lower", None: ""}
    for metric in METRICS.values():
        timing = " (differs between equal runs)" if metric.timing else ""
        table.add_row(metric.name, metric.unit, better[metric.goal], metric.scope, metric.definition + timing)
    Console().print(table)


def _plain(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)


def _command(*words: object) -> str:
    """A command line that can be pasted: with the path of this program where the shell would not find it."""
    program = "sparsetune" if shutil.which("sparsetune") else os.path.relpath(sys.argv[0])
    return escape(shlex.join([program, *map(str, words)]))

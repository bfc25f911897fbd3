"""Commands that train: study, run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sparsetune.cli.app import Json, Root, Set, Verbose, app, guarded, stderr


@app.command(epilog="Example: sparsetune study studies/ast_pi.yaml --set training.epochs=5 --trials 8")
@guarded
def study(
    file: Annotated[Path, typer.Argument(help="A study file, such as studies/ast_pi.yaml.")],
    set_: Set = None,
    trials: Annotated[int | None, typer.Option(help="Trials in all, instead of budget.trials.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Trials at once; else as many as fit.")] = None,
    in_process: Annotated[bool, typer.Option("--in-process", help="Without Ray: one trial after another.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check, and show what would run.")] = False,
    verbose: Verbose = False,
) -> None:
    """Run a study, or go on with one: finished trials stay, the budget counts all."""
    from sparsetune import study as story
    from sparsetune.config.overrides import parse_assignments
    from sparsetune.show.dry_run import show_dry_run
    from sparsetune.show.summary import show_summary

    overrides = parse_assignments(set_ or ())
    if trials is not None:
        overrides["budget.trials"] = trials
    loaded = story.load(file, overrides)
    if dry_run:
        show_dry_run(loaded)
        return
    summary = story.run_study(loaded, workers=workers, in_process=in_process, console=stderr())
    show_summary(loaded, summary)
    raise typer.Exit(summary.exit_code)


@app.command(epilog="Example: sparsetune best ast_pi --trial 7 > seven.yaml; sparsetune run seven.yaml -o seven")
@guarded
def run(
    configs: Annotated[list[Path], typer.Argument(help="Trial configs: method, data, model, training, seed.")],
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Keep each trial's files in this folder.")] = None,
    set_: Set = None,
    root: Root = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Train single configs outside a study, in this process; MLflow keeps them in the experiment `runs`.

    A run that was interrupted goes on when it is started again.
    """
    from sparsetune.config.overrides import parse_assignments
    from sparsetune.runs import run_configs
    from sparsetune.show.summary import show_runs

    results = run_configs(configs, parse_assignments(set_ or ()), out=out, root=root, console=stderr())
    show_runs(results, as_json=as_json)
    complete = sum(trial.state == "COMPLETE" for _, trial in results)
    raise typer.Exit(0 if complete == len(results) else 1 if complete else 3)

"""Commands that train: study, run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sparsetune.base.errors import BadInput
from sparsetune.cli.app import TRAIN, Import, Json, Root, Set, app, examples, guarded, own_files, stderr
from sparsetune.cli.completion import study_files


@app.command(
    rich_help_panel=TRAIN,
    epilog=examples(
        "sparsetune study studies/ast_pi.yaml --dry-run",
        "sparsetune study studies/ast_pi.yaml",
        "sparsetune study studies/ast_pi.yaml --set method.kp=0.1 --trials 60",
        note="--set study=NAME makes it another study, for a change of more than its budget.",
    ),
)
@guarded
def study(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A study file.", autocompletion=study_files)],
    set_: Set = None,
    trials: Annotated[int | None, typer.Option(metavar="N", help="Trials in all, instead of budget.trials.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, metavar="N", help="Trials at once; else all that fit.")] = None,
    in_process: Annotated[bool, typer.Option("--in-process", help="Without Ray: one trial after another.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check, show what would run, forecast its cost.")] = False,
    no_probe: Annotated[bool, typer.Option("--no-probe", help="With --dry-run: train nothing, no forecast.")] = False,
) -> None:
    """Run a study, or go on with one: finished trials stay, the budget counts all."""
    from sparsetune.app import study as story
    from sparsetune.config.overrides import parse_assignments
    from sparsetune.show.dry_run import show_dry_run
    from sparsetune.show.summary import show_summary

    if no_probe and not dry_run:
        raise BadInput("found without --dry-run, which is what it changes", key="--no-probe", code="conflict")
    overrides = parse_assignments(set_ or ())
    if trials is not None:
        overrides["budget.trials"] = trials
    loaded = story.load(file, overrides)
    if dry_run:
        code = show_dry_run(loaded, probe=not no_probe, workers=workers, in_process=in_process, console=stderr())
        raise typer.Exit(code)
    summary = story.run_study(loaded, workers=workers, in_process=in_process, console=stderr())
    show_summary(loaded, summary)
    raise typer.Exit(summary.exit_code)


@app.command(
    rich_help_panel=TRAIN,
    epilog=examples(
        "sparsetune best ast_pi --trial 7 > seven.yaml",
        "sparsetune run seven.yaml -o seven",
        "sparsetune run seven.yaml --set seed=1 --set training.epochs=50 --json",
    ),
)
@guarded
def run(
    configs: Annotated[
        list[Path], typer.Argument(metavar="CONFIG", help="Files with method, data, model, training, seed.")
    ],
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Keep each trial's files in this folder.")] = None,
    set_: Set = None,
    import_: Import = None,
    no_shelf: Annotated[
        bool, typer.Option("--no-shelf", help="Train all of it, also what other trials of the project have trained.")
    ] = False,
    root: Root = None,
    as_json: Json = False,
) -> None:
    """Train single configs outside a study, in this process; MLflow keeps them in the experiment `runs`.

    A run that was interrupted goes on when it is started again.
    """
    from sparsetune.app.runs import run_configs
    from sparsetune.base.shelf import LIMIT_GB
    from sparsetune.config.overrides import parse_assignments
    from sparsetune.show.summary import show_runs

    own = own_files(import_)
    overrides, shelf_gb = parse_assignments(set_ or ()), 0.0 if no_shelf else LIMIT_GB
    results = run_configs(configs, overrides, own=own, out=out, root=root, console=stderr(), shelf_gb=shelf_gb)
    show_runs(results, as_json=as_json, out=out)
    complete = sum(trial.state == "COMPLETE" for _, trial in results)
    raise typer.Exit(0 if complete == len(results) else 1 if complete else 3)

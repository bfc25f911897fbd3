"""Commands that read a storage: status, best, export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sparsetune.cli.app import LOOK, Json, Root, Storage, Verbose, app, guarded, storage_url
from sparsetune.cli.completion import study_names
from sparsetune.cli.look import examples
from sparsetune.config.errors import BadInput

Study = Annotated[str, typer.Argument(metavar="STUDY", help="A study's name.", autocompletion=study_names)]


@app.command(
    rich_help_panel=LOOK,
    epilog=examples("sparsetune status", "sparsetune status ast_pi --watch", "sparsetune status ast_pi --json"),
)
@guarded
def status(
    name: Annotated[
        str | None,
        typer.Argument(metavar="STUDY", help="A study's name; all without it.", autocompletion=study_names),
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Again and again, until it ends or Ctrl-C.")] = False,
    interval: Annotated[float, typer.Option(min=0.1, metavar="SECONDS", help="With --watch: how often.")] = 2.0,
    root: Root = None,
    storage: Storage = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """How far the studies of a project are: counts, the best, what runs, what it takes on disk. Changes nothing."""
    from sparsetune.show.facts import nearest_project
    from sparsetune.show.watch import Reader, show_status, watch_status

    reader = Reader(storage_url(root, storage), name, nearest_project(root or Path.cwd()))
    if watch:
        watch_status(reader, interval, as_json=as_json)
    else:
        show_status(reader, as_json=as_json)


@app.command(
    rich_help_panel=LOOK,
    epilog=examples("sparsetune best ast_pi", "sparsetune best ast_pi --trial 7 > seven.yaml"),
)
@guarded
def best(
    name: Study,
    trial: Annotated[int | None, typer.Option(metavar="N", help="The trial whose config to print.")] = None,
    root: Root = None,
    storage: Storage = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """The best config as YAML that `run` takes; with several objectives the Pareto front, and the trial asked for."""
    from sparsetune.api import load
    from sparsetune.show.stored import show_best

    show_best(load(name, root=root, storage=storage), trial, as_json=as_json)


@app.command(
    rich_help_panel=LOOK,
    epilog=examples("sparsetune export ast_pi --csv > ast_pi.csv", "sparsetune export ast_pi --json | head -40"),
)
@guarded
def export(
    name: Study,
    csv: Annotated[bool, typer.Option("--csv", help="One row a trial (the default).")] = False,
    root: Root = None,
    storage: Storage = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """All trials of a study on stdout, as CSV or JSON."""
    from sparsetune.api import load
    from sparsetune.show.stored import show_export

    if csv and as_json:
        raise BadInput("found --csv and --json, allowed: one of them", key="export")
    show_export(load(name, root=root, storage=storage), as_json=as_json)

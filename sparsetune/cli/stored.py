"""Commands that read a storage: status, best, export."""

from __future__ import annotations

from typing import Annotated

import typer

from sparsetune.cli.app import Json, Root, Storage, Verbose, app, guarded, storage_url
from sparsetune.config.errors import BadInput


@app.command(epilog="Example: sparsetune status ast_pi --json")
@guarded
def status(
    name: Annotated[str | None, typer.Argument(metavar="[STUDY]", help="A study's name; all without it.")] = None,
    root: Root = None,
    storage: Storage = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """How far the studies of a project are."""
    from sparsetune.show.status import show_status

    show_status(storage_url(root, storage), name, as_json=as_json)


@app.command(epilog="Example: sparsetune best ast_pi --trial 7 > best.yaml")
@guarded
def best(
    name: Annotated[str, typer.Argument(metavar="STUDY", help="A study's name.")],
    trial: Annotated[int | None, typer.Option(help="The number of the trial whose config to print.")] = None,
    root: Root = None,
    storage: Storage = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """The best config as YAML that `run` takes; with several objectives the Pareto front, and the trial asked for."""
    from sparsetune.show.stored import show_best

    show_best(storage_url(root, storage), name, trial, as_json=as_json)


@app.command(epilog="Example: sparsetune export ast_pi --csv > ast_pi.csv")
@guarded
def export(
    name: Annotated[str, typer.Argument(metavar="STUDY", help="A study's name.")],
    csv: Annotated[bool, typer.Option("--csv", help="One row a trial (the default).")] = False,
    root: Root = None,
    storage: Storage = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """All trials of a study on stdout, as CSV or JSON."""
    from sparsetune.show.stored import show_export

    if csv and as_json:
        raise BadInput("found --csv and --json, allowed: one of them", key="export")
    show_export(storage_url(root, storage), name, as_json=as_json)

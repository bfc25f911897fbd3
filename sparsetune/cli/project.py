"""Commands around a project: init, doctor, clean, ui."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from sparsetune.base.errors import BadInput
from sparsetune.cli.app import LOOK, PROJECT, Json, Root, Storage, Uri, app, examples, guarded, stderr
from sparsetune.cli.completion import study_names
from sparsetune.cli.spans import UnusedFor, seconds
from sparsetune.cli.where import project_if_any, project_of, project_or_none


@app.command(rich_help_panel=PROJECT, epilog=examples("sparsetune init demo", "cd demo; sparsetune init ."))
@guarded
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The project's folder; made if it is not there.")],
) -> None:
    """Write a starting project: studies, search spaces, a place for results. Overwrites nothing."""
    from sparsetune.show.project import show_written
    from sparsetune.starter import write_project

    show_written(folder, write_project(folder))


@app.command(rich_help_panel=PROJECT, epilog=examples("sparsetune doctor", "sparsetune doctor --root demo --json"))
@guarded
def doctor(root: Root = None, as_json: Json = False) -> None:
    """Is all here that a study needs? A line for each thing looked at, with what mends it; changes nothing."""
    from sparsetune.show.project import show_doctor

    project = project_or_none(root)  # the machine can be looked at without
    raise typer.Exit(1 if show_doctor(project, as_json=as_json, progress=stderr()) else 0)


@app.command(
    rich_help_panel=PROJECT,
    epilog=examples("sparsetune clean --dry-run", "sparsetune clean --unused-for 30d", "sparsetune clean --json"),
)
@guarded
def clean(
    unused_for: UnusedFor = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go; remove nothing.")] = False,
    root: Root = None,
    as_json: Json = False,
) -> None:
    """Empty the project's shelf: stages that trials have in common. No trial is lost; coming ones train them anew."""
    from sparsetune.show.shelf import show_clean

    show_clean(project_of(root).shelf, seconds(unused_for) or 0.0, dry_run=dry_run, as_json=as_json)


@app.command(
    rich_help_panel=LOOK,
    epilog=examples(
        "sparsetune ui ast_pi --port 5001", "sparsetune ui ast_pi --plain", "sparsetune ui --uri sqlite:///mlflow.db"
    ),
)
@guarded
def ui(
    name: Annotated[
        str | None,
        typer.Argument(metavar="STUDY", help="Open on this study's runs.", autocompletion=study_names),
    ] = None,
    port: Annotated[int, typer.Option(metavar="N", help="Port on this machine.")] = 5000,
    uri: Uri = None,
    plain: Annotated[bool, typer.Option("--plain", help="MLflow's own page, without the prepared view.")] = False,
    root: Root = None,
    storage: Storage = None,
) -> None:
    """Open MLflow's UI on a study's runs, on this machine only: its trials as a table and as charts."""
    from sparsetune.base.stores.tracking_uri import tracking_uri
    from sparsetune.base.variables import from_environment
    from sparsetune.search.lock import others
    from sparsetune.search.progress import read_progress

    named, project = tracking_uri(uri), project_if_any(root)
    where = named or project_of(root).tracking_uri
    from sparsetune.app.pages import prepare_page  # with MLflow, which takes seconds, as the next ones
    from sparsetune.tracking.tables import Home
    from sparsetune.tracking.ui import open_ui

    home = None if project is None else Home.of(project.runs, where, shared=others(project.runs / "locks"))
    stored = from_environment(storage, "", "--storage") if storage else project.storage_url if project else ""
    uid = prepare = None
    if name and stored:
        with suppress(BadInput):  # no storage, or a study of another one
            uid = read_progress(stored, [name])[0].uid
    if name and not plain:
        if uid is None:
            print(
                f"{name} is in no storage here (--storage names another): MLflow's plain page, without a prepared view"
            )
        else:
            prepare = partial(prepare_page, storage=stored, name=name)
    open_ui(where, port, experiment=name, uid=uid, home=home, say=print, prepare=prepare)

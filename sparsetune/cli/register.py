"""The command that puts a trial's network into MLflow's model registry."""

from __future__ import annotations

from typing import Annotated

import typer

from sparsetune.cli.app import (
    LOOK,
    Import,
    Json,
    Root,
    Storage,
    Uri,
    app,
    examples,
    guarded,
    own_files,
    stderr,
)
from sparsetune.cli.stored import Study
from sparsetune.cli.where import as_options, study_of


@app.command(
    rich_help_panel=LOOK,
    epilog=examples(
        "sparsetune register ast_pi --trial 22 digits",
        "sparsetune register slt_mnist --trial 7 --seed 1 digits",
        note="What it prints loads the model in Python. `tracking: {models: front}` in a study file logs networks at a "
        "study's end.",
    ),
)
@guarded
def register(
    study: Study,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the registered model; a new version if it exists.")],
    trial: Annotated[int, typer.Option("--trial", metavar="N", help="The trial whose network it is.")],
    branch: Annotated[str, typer.Option(metavar="NAME", help="Of a forked trial: mc_samples=5")] = "",
    seed: Annotated[int | None, typer.Option(metavar="S", help="Of a trial with several replicates.")] = None,
    import_: Import = None,
    uri: Uri = None,
    root: Root = None,
    storage: Storage = None,
    as_json: Json = False,
) -> None:
    """Register a trial's network as a model in MLflow, for batches of any size and without pickled code."""
    from sparsetune.app.api.register import register as registered
    from sparsetune.show.stored import show_registered

    result, project, where = study_of(study, root, storage, uri)
    own, console = own_files(import_), stderr()
    with as_options():
        model = registered(
            result, trial, name, branch=branch, seed=seed, uri=where, project=project, own=own, console=console
        )
    show_registered(model, as_json=as_json)

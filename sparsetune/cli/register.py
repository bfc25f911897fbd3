"""The command that puts a trial's network into MLflow's model registry."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from sparsetune.base.errors import BadInput
from sparsetune.cli.app import LOOK, Import, Json, Root, Storage, Verbose, app, guarded, own_files, stderr
from sparsetune.cli.look import examples
from sparsetune.cli.stored import Study
from sparsetune.cli.which import OPTIONS


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
    uri: Annotated[
        str | None, typer.Option(help="MLflow's tracking URI; else MLFLOW_TRACKING_URI, else mlruns/mlflow.db.")
    ] = None,
    root: Root = None,
    storage: Storage = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Register a trial's network as a model in MLflow, for batches of any size and without pickled code."""
    from sparsetune.app import api
    from sparsetune.app.api.register import register as registered
    from sparsetune.base.paths import Project, find_root
    from sparsetune.base.stores.tracking_uri import tracking_uri
    from sparsetune.show.registered import show_registered

    where = tracking_uri(uri)
    result = api.load(study, root=root, storage=storage)
    project = None
    with contextlib.suppress(BadInput):  # with URIs of storage and tracking server there need not be one
        project = Project(find_root(root or Path.cwd()))
    where = where or Project(find_root(root or Path.cwd())).tracking_uri
    try:
        found = registered(
            result,
            trial,
            name,
            branch=branch,
            seed=seed,
            uri=where,
            project=project,
            own=own_files(import_),
            console=stderr(),
        )
    except BadInput as error:
        raise BadInput(error.problem, source=error.source, key=OPTIONS.get(error.key, error.key)) from None
    show_registered(found, as_json=as_json)

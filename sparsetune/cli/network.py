"""Commands around trained networks: export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sparsetune.cli.app import IN_THAT_LOOK, Import, Json, Root, Storage, examples, guarded, own_files, stderr
from sparsetune.cli.chosen_file import on_disk, refuse_without_trial
from sparsetune.cli.completion import study_names
from sparsetune.cli.where import as_options, project_or_none, study_of

_EXAMPLES = (
    "sparsetune network export ast_pi --trial 22 --out digits.onnx",
    "sparsetune network export ast_pi --trial 22 --format torch",
    "sparsetune network export runs/mlp --out mlp.safetensors",
)
network = typer.Typer(
    **IN_THAT_LOOK,
    help="Trained networks as files that others load without SparseTune; export.",
    epilog=examples(*_EXAMPLES),
)


@network.command(epilog=examples(*_EXAMPLES, note="What it prints loads the file in Python."))
@guarded
def export(
    named: Annotated[
        str,
        typer.Argument(
            metavar="PATH|STUDY",
            help="With --trial a study's name; else a folder that `sparsetune run --out` has made, or its weights.",
            autocompletion=study_names,
        ),
    ],
    trial: Annotated[
        int | None, typer.Option("--trial", metavar="N", help="The study's trial whose network it is.")
    ] = None,
    branch: Annotated[str, typer.Option(metavar="NAME", help="With --trial, if it is forked: mc_samples=5")] = "",
    seed: Annotated[int | None, typer.Option(metavar="S", help="With --trial, if it has several replicates.")] = None,
    format_: Annotated[
        str | None,
        typer.Option("--format", metavar="NAME", help="torch, onnx or safetensors; else as --out ends, else torch."),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Else a file in the current folder.")] = None,
    whole: Annotated[
        bool, typer.Option("--whole", help="With neurons and channels that have no path, which go else.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    import_: Import = None,
    uri: Annotated[
        str | None,
        typer.Option(help="With --trial: MLflow's tracking URI; else MLFLOW_TRACKING_URI, else mlruns/mlflow.db."),
    ] = None,
    root: Root = None,
    storage: Storage = None,
    as_json: Json = False,
) -> None:
    """Write a trial's network to a file, for batches of any size. It scales its inputs itself, as in training."""
    from sparsetune.app.exported import Order, export_run
    from sparsetune.base.paths import WEIGHTS
    from sparsetune.show.network import show_exported

    own, console, order = own_files(import_), stderr(), Order(out, format_, force, whole)
    if trial is None:
        refuse_without_trial(branch, seed, uri)
        file, project = on_disk(named, WEIGHTS, root, storage), project_or_none(root)
        with as_options():
            written = export_run(file, order, project=project, own=own, console=console)
    else:
        result, project, where = study_of(named, root, storage, uri)
        with as_options():
            chosen = result.network(trial, branch, seed)
            written = chosen.written(order, uri=where, project=project, own=own, console=console)
    show_exported(written, as_json=as_json)

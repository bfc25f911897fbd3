"""Commands that read a storage: status, best, export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sparsetune.base.errors import BadInput
from sparsetune.cli.app import LOOK, Json, Root, Storage, app, examples, guarded
from sparsetune.cli.completion import study_names
from sparsetune.cli.where import as_options, project_if_any, storage_url

Study = Annotated[str, typer.Argument(metavar="STUDY", help="A study's name.", autocompletion=study_names)]
Where = Annotated[
    str | None,
    typer.Option(metavar="EXPRESSION", help="Only trials of which it holds: val_accuracy > 0.9"),
]


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
) -> None:
    """How far the studies of a project are: counts, the best, what runs, what it takes on disk. Changes nothing."""
    from sparsetune.show.watch import Reader, show_status, watch_status

    reader = Reader(storage_url(root, storage), name, project_if_any(root))
    if watch:
        watch_status(reader, interval, as_json=as_json)
    else:
        show_status(reader, as_json=as_json)


@app.command(
    rich_help_panel=LOOK,
    epilog=examples(
        "sparsetune best ast_pi",
        "sparsetune best ast_pi --trial 7 > seven.yaml",
        "sparsetune best ast_pi --where 'compute_saved > 0.3'",
    ),
)
@guarded
def best(
    name: Study,
    trial: Annotated[int | None, typer.Option(metavar="N", help="The trial whose config to print.")] = None,
    branch: Annotated[str, typer.Option(metavar="NAME", help="With --trial, if it is forked: mc_samples=5")] = "",
    where: Where = None,
    figure: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the front, or the arms: front.png")] = None,
    root: Root = None,
    storage: Storage = None,
    as_json: Json = False,
) -> None:
    """The best config as YAML that `run` takes; with several objectives the Pareto front, and the trial asked for."""
    from sparsetune.app.api import load
    from sparsetune.show.stored import draw_best, show_best

    if trial is None and branch:
        raise BadInput("without --trial, which it belongs to", key="--branch", found=repr(branch), code="conflict")
    for option, value in (("--where", where), ("--figure", figure)):
        if trial is not None and value is not None:
            raise BadInput(key="best", found=f"--trial and {option}", allowed="one of them", code="conflict")
    result = load(name, root=root, storage=storage)
    with as_options():
        chosen = result if where is None else result.where(where)
        if figure is not None:
            draw_best(chosen, figure)
        show_best(chosen, trial, branch, as_json=as_json)


@app.command(
    rich_help_panel=LOOK,
    epilog=examples(
        "sparsetune export ast_pi --where 'val_accuracy > 0.9'",
        "sparsetune export lth_digits --results > levels.csv",
        "sparsetune export compression_digits --original > runs.csv",
    ),
)
@guarded
def export(
    name: Study,
    csv: Annotated[bool, typer.Option("--csv", help="One row a trial (the default).")] = False,
    where: Where = None,
    results: Annotated[
        bool, typer.Option("--results", help="A row for each result of each run, such as a level, instead.")
    ] = False,
    original: Annotated[
        bool, typer.Option("--original", help="A row a run, in the columns of the program that its method comes from.")
    ] = False,
    root: Root = None,
    storage: Storage = None,
    as_json: Json = False,
) -> None:
    """All trials of a study on stdout, as CSV or JSON: a row each, one for each branch, replicates below them."""
    from sparsetune.app.api import load
    from sparsetune.show.stored import show_export, show_original, show_results

    asked = {"--csv": csv, "--json": as_json, "--original": original}
    for one, other in (("--csv", "--json"), ("--original", "--json")):
        if asked[one] and asked[other]:
            raise BadInput(key="export", found=f"{one} and {other}", allowed="one of them", code="conflict")
    if original and results:
        raise BadInput(key="export", found="--original and --results", allowed="one of them", code="conflict")
    result = load(name, root=root, storage=storage)
    with as_options():
        chosen = result if where is None else result.where(where)
        if original:
            show_original(chosen)
        else:
            (show_results if results else show_export)(chosen, as_json=as_json)

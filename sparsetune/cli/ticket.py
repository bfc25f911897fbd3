"""Commands around tickets: show, eval."""

from __future__ import annotations

from typing import Annotated

import typer

from sparsetune.cli.app import IN_THAT_LOOK, Import, Json, Root, Storage, examples, guarded, own_files, stderr
from sparsetune.cli.chosen_ticket import chosen_ticket
from sparsetune.cli.completion import study_names

ticket = typer.Typer(
    **IN_THAT_LOOK,
    help="Tickets: networks of random weights as a seed and a mask; show, eval.",
    epilog=examples(
        "sparsetune ticket show slt_digits --trial 7",
        "sparsetune ticket eval slt_digits --trial 7",
        "sparsetune ticket eval ticket.safetensors",
    ),
)

Named = Annotated[
    str,
    typer.Argument(
        metavar="PATH|STUDY",
        help="A ticket.safetensors, a folder that has one, or with --trial a study's name.",
        autocompletion=study_names,
    ),
]
Number = Annotated[int | None, typer.Option("--trial", metavar="N", help="The study's trial whose ticket it is.")]
Branch = Annotated[str, typer.Option(metavar="NAME", help="With --trial, if it is forked: mc_samples=5")]
Seed = Annotated[int | None, typer.Option(metavar="S", help="With --trial, if it has several replicates.")]
Uri = Annotated[
    str | None,
    typer.Option(help="With --trial: MLflow's tracking URI; else MLFLOW_TRACKING_URI, else mlruns/mlflow.db."),
]


@ticket.command(
    epilog=examples(
        "sparsetune ticket show slt_digits --trial 7",
        "sparsetune ticket show ticket.safetensors",
        "sparsetune ticket show ticket.safetensors --json",
    ),
)
@guarded
def show(
    named: Named,
    trial: Number = None,
    branch: Branch = "",
    seed: Seed = None,
    uri: Uri = None,
    root: Root = None,
    storage: Storage = None,
    as_json: Json = False,
) -> None:
    """What a ticket is of: setting, size, what its trial has measured, what each layer keeps. Loads no data."""
    from sparsetune.show.ticket import show_ticket

    with chosen_ticket(named, trial, branch, seed, uri, root, storage) as of:
        show_ticket(of.file, of.name, as_json=as_json)


@ticket.command(
    "eval",
    epilog=examples(
        "sparsetune ticket eval slt_digits --trial 7",
        "sparsetune ticket eval ticket.safetensors --set data.root=~/data",
        "sparsetune ticket eval ticket.safetensors --mc-samples 50",
        note="Exit code 1: the recorded accuracy is not reproduced. With --mc-samples nothing is expected: it is 0.",
    ),
)
@guarded
def evaluate(
    named: Named,
    trial: Number = None,
    branch: Branch = "",
    seed: Seed = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Where the data lie, such as data.root.")
    ] = None,
    mc_samples: Annotated[
        int | None, typer.Option(min=0, metavar="T", help="Average over T networks, not as the trial did.")
    ] = None,
    import_: Import = None,
    uri: Uri = None,
    root: Root = None,
    storage: Storage = None,
    as_json: Json = False,
) -> None:
    """Rebuild the network from its ticket and evaluate it, on validation and test data, beside what was recorded."""
    from sparsetune.app.tickets import evaluate_ticket
    from sparsetune.config.overrides import parse_assignments
    from sparsetune.show.ticket import show_evaluation

    overrides, own = parse_assignments(assignments or ()), own_files(import_)
    with chosen_ticket(named, trial, branch, seed, uri, root, storage) as of:
        evaluated = evaluate_ticket(
            of.file, overrides, trial=of.config, mc_samples=mc_samples, own=own, root=of.root, console=stderr()
        )
        show_evaluation(of.name, evaluated, as_json=as_json)
    raise typer.Exit(0 if evaluated.reproduced or mc_samples is not None else 1)

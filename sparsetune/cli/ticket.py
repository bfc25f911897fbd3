"""Commands around tickets: list, show, eval, transfer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sparsetune.base.errors import BadInput
from sparsetune.cli.app import IN_THAT_LOOK, Import, Json, Root, Set, Storage, examples, guarded, own_files, stderr
from sparsetune.cli.chosen_ticket import Which, chosen_ticket
from sparsetune.cli.completion import study_names

ticket = typer.Typer(
    **IN_THAT_LOOK,
    help="Tickets: subnetworks, of random weights or of those that a level began with; list, show, eval, transfer.",
    epilog=examples(
        "sparsetune ticket show slt_digits --trial 7",
        "sparsetune ticket eval slt_digits --trial 7",
        "sparsetune ticket transfer out/ticket.safetensors fashion.yaml",
    ),
)
Named = Annotated[
    str | None,
    typer.Argument(
        metavar="PATH|STUDY",
        help="A ticket.safetensors, a folder that has one, or with --trial a study's name.",
        autocompletion=study_names,
    ),
]
Number = Annotated[int | None, typer.Option("--trial", metavar="N", help="The study's trial whose ticket it is.")]
Branch = Annotated[str, typer.Option(metavar="NAME", help="With --trial, if it is forked: mc_samples=5")]
Seed = Annotated[int | None, typer.Option(metavar="S", help="With --trial, if it has several replicates.")]
Level = Annotated[int | None, typer.Option(min=1, metavar="L", help="Of pruning; else what the run ended with.")]
RunId = Annotated[str | None, typer.Option("--run", metavar="ID", help="Of a run of MLflow, instead of a name.")]
Uri = Annotated[
    str | None,
    typer.Option(help="With --trial or --run: MLflow's tracking URI; else MLFLOW_TRACKING_URI, else mlruns/mlflow.db."),
]


@ticket.command(
    "list",
    epilog=examples(
        "sparsetune ticket list lth_digits",
        "sparsetune ticket list lth_digits --trial 0 --json",
    ),
)
@guarded
def list_(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="Its name.", autocompletion=study_names)],
    trial: Annotated[int | None, typer.Option("--trial", metavar="N", help="This trial alone.")] = None,
    uri: Annotated[str | None, typer.Option(help="MLflow's tracking URI; else as for `show`.")] = None,
    root: Root = None,
    storage: Storage = None,
    as_json: Json = False,
) -> None:
    """All tickets of a study's trials: level, arm, density, and what came of them."""
    from sparsetune.app.gathered import listed_tickets
    from sparsetune.cli.where import as_options, study_of
    from sparsetune.show.tickets import show_tickets

    result, project, where = study_of(study, root, storage, uri)
    with as_options():
        show_tickets(list(listed_tickets(result, trial, project, where)), study, as_json=as_json)


@ticket.command(
    epilog=examples(
        "sparsetune ticket show slt_digits --trial 7",
        "sparsetune ticket show ticket.safetensors",
        "sparsetune ticket show ticket.safetensors --json",
    ),
)
@guarded
def show(
    named: Named = None,
    trial: Number = None,
    branch: Branch = "",
    seed: Seed = None,
    level: Level = None,
    run: RunId = None,
    uri: Uri = None,
    root: Root = None,
    storage: Storage = None,
    as_json: Json = False,
) -> None:
    """What a ticket is of: setting, size, what its trial has measured, what each layer keeps. Loads no data."""
    from sparsetune.show.ticket import show_ticket

    with chosen_ticket(Which(named, trial, branch, seed, level, run, uri, root, storage)) as of:
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
    named: Named = None,
    trial: Number = None,
    branch: Branch = "",
    seed: Seed = None,
    level: Level = None,
    run: RunId = None,
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
    with chosen_ticket(Which(named, trial, branch, seed, level, run, uri, root, storage)) as of:
        evaluated = evaluate_ticket(
            of.file, overrides, trial=of.config, mc_samples=mc_samples, own=own, root=of.root, console=stderr()
        )
        show_evaluation(of.name, evaluated, as_json=as_json)
    raise typer.Exit(0 if evaluated.reproduced or mc_samples is not None else 1)


@ticket.command(
    epilog=examples(
        "sparsetune ticket transfer out/ticket.safetensors fashion.yaml",
        "sparsetune ticket transfer lth_mnist fashion.yaml --trial 0 --level 5",
        "sparsetune ticket transfer fashion.yaml --run 3f9c1a --level 5",
        note="The same as `sparsetune run` with method: {name: ticket_retrain, source: ...}.",
    ),
)
@guarded
def transfer(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[PATH|STUDY] CONFIG",
            help="A ticket or a folder that has some, with --trial a study's name, with --run nothing; "
            "a file with data, model, training, seed.",
        ),
    ],
    trial: Number = None,
    branch: Branch = "",
    seed: Seed = None,
    level: Level = None,
    run: RunId = None,
    arm: Annotated[
        str, typer.Option(metavar="NAME", help="Train new_weights, shuffled or random_mask instead of the ticket.")
    ] = "ticket",
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Keep the trial's files in this folder.")] = None,
    set_: Set = None,
    import_: Import = None,
    root: Root = None,
    as_json: Json = False,
) -> None:
    """Train a ticket's weights under its mask, with a config's data and training instead of its method."""
    from sparsetune.app.runs import run_configs
    from sparsetune.cli.chosen_ticket import source_of
    from sparsetune.config.overrides import parse_assignments
    from sparsetune.show.summary import show_runs
    from sparsetune.sparsity.ticket_source import retraining

    *before, config = words
    if len(before) != (run is None):
        wanted = "CONFIG alone, with --run" if run else "PATH or STUDY, and CONFIG"
        raise BadInput(found=" ".join(words), allowed=wanted, key="ticket transfer")
    source = source_of(Which("".join(before) or None, trial, branch, seed, level, run, root=root))
    overrides = {"method": retraining(source, level, arm), **parse_assignments(set_ or ())}
    own = own_files(import_)
    results = run_configs([Path(config)], overrides, own=own, out=out, root=root, console=stderr())
    show_runs(results, as_json=as_json, out=out)
    raise typer.Exit(0 if results[0][1].state == "COMPLETE" else 3)

"""Commands around tickets: show, eval."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sparsetune.cli.app import LOOK, Json, Root, Verbose, app, guarded, stderr
from sparsetune.cli.look import Command, Group, examples

ticket = typer.Typer(cls=Group, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="rich")
app.add_typer(
    ticket,
    name="ticket",
    rich_help_panel=LOOK,
    help="Tickets: networks of random weights as a seed and a mask; show, eval.",
    epilog=examples("sparsetune ticket show ticket.safetensors", "sparsetune ticket eval ticket.safetensors"),
)

File = Annotated[Path, typer.Argument(metavar="PATH", help="A ticket.safetensors that a run left.")]


@ticket.command(
    cls=Command,
    epilog=examples("sparsetune ticket show ticket.safetensors", "sparsetune ticket show ticket.safetensors --json"),
)
@guarded
def show(file: File, as_json: Json = False, verbose: Verbose = False) -> None:
    """What a ticket is of: setting, size, what its trial has measured, what each layer keeps. Loads no data."""
    from sparsetune.show.ticket import show_ticket

    show_ticket(file, as_json=as_json)


@ticket.command(
    "eval",
    cls=Command,
    epilog=examples(
        "sparsetune ticket eval ticket.safetensors",
        "sparsetune ticket eval ticket.safetensors --set data.root=~/data",
        "sparsetune ticket eval ticket.safetensors --mc-samples 50",
        note="Exit code 1: the recorded accuracy is not reproduced. With --mc-samples nothing is expected: it is 0.",
    ),
)
@guarded
def evaluate(
    file: File,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Where the data lie, such as data.root.")
    ] = None,
    mc_samples: Annotated[
        int | None, typer.Option(min=0, metavar="T", help="Average over T networks, not as the trial did.")
    ] = None,
    root: Root = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Rebuild the network from its ticket and evaluate it, on validation and test data, beside what was recorded."""
    from sparsetune.config.overrides import parse_assignments
    from sparsetune.show.ticket import show_evaluation
    from sparsetune.tickets import evaluate_ticket

    overrides = parse_assignments(assignments or ())
    found = evaluate_ticket(file, overrides, mc_samples=mc_samples, root=root, console=stderr())
    show_evaluation(file, found, as_json=as_json)
    raise typer.Exit(0 if found.reproduced or mc_samples is not None else 1)

"""Commands that show what a study file can name."""

from __future__ import annotations

from typing import Annotated

import typer

from sparsetune.cli.app import Verbose, app, guarded


@app.command(epilog="Example: sparsetune methods ast")
@guarded
def methods(
    name: Annotated[str | None, typer.Argument(metavar="[METHOD]", help="Show its settings too.")] = None,
    verbose: Verbose = False,
) -> None:
    """The methods that a study can name."""
    from sparsetune.show.catalogue import show_methods

    show_methods(name)


@app.command()
@guarded
def metrics(verbose: Verbose = False) -> None:
    """Every metric: its unit, which way is better, and its definition."""
    from sparsetune.show.catalogue import show_metrics

    show_metrics()

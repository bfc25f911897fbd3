"""Commands around a project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sparsetune.cli.app import Root, Verbose, app, guarded


@app.command(epilog="Example: sparsetune ui ast_pi --port 5001")
@guarded
def ui(
    name: Annotated[str | None, typer.Argument(metavar="[STUDY]", help="Open on this study's runs.")] = None,
    port: Annotated[int, typer.Option(help="Port on this machine.")] = 5000,
    root: Root = None,
    verbose: Verbose = False,
) -> None:
    """Open MLflow's UI on this project's store, on loopback only."""
    import os

    from sparsetune.config.paths import Project, find_root
    from sparsetune.tracking.ui import open_ui

    uri = os.environ.get("MLFLOW_TRACKING_URI") or Project(find_root(root or Path.cwd())).tracking_uri
    open_ui(uri, port, experiment=name, say=print)

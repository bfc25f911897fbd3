"""Commands that show what a study file can name: methods, models, metrics, spaces, samplers, pruners."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sparsetune.cli.app import NAMES, Import, Root, app, examples, guarded, own_files
from sparsetune.cli.completion import method_names, metric_names, model_names, pruner_names, sampler_names, space_names

_TOO = "Show its settings too."
Method = Annotated[str | None, typer.Argument(metavar="METHOD", help=_TOO, autocompletion=method_names)]
Model = Annotated[str | None, typer.Argument(metavar="MODEL", help=_TOO, autocompletion=model_names)]
Sampler = Annotated[str | None, typer.Argument(metavar="SAMPLER", help=_TOO, autocompletion=sampler_names)]
Pruner = Annotated[str | None, typer.Argument(metavar="PRUNER", help=_TOO, autocompletion=pruner_names)]


@app.command(
    rich_help_panel=NAMES,
    epilog=examples("sparsetune methods", "sparsetune methods ast", "sparsetune methods mine --import mine.py"),
)
@guarded
def methods(name: Method = None, import_: Import = None) -> None:
    """The methods; one of them with its paper, its idea and every setting."""
    from sparsetune.app.parts import registries
    from sparsetune.show.catalogue import show_methods

    show_methods(registries(own_files(import_)), name)


@app.command(rich_help_panel=NAMES, epilog=examples("sparsetune models", "sparsetune models resnet18"))
@guarded
def models(name: Model = None, import_: Import = None) -> None:
    """The models; one of them with its source, every setting, and where it can have dropout."""
    from sparsetune.app.parts import registries
    from sparsetune.show.catalogue import show_models

    show_models(registries(own_files(import_)), name)


@app.command(rich_help_panel=NAMES, epilog=examples("sparsetune metrics", "sparsetune metrics brier bytes"))
@guarded
def metrics(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME...", help="These in full; the beginning of names is enough.", autocompletion=metric_names
        ),
    ] = None,
    import_: Import = None,
) -> None:
    """Every metric: its unit, which way is better, and its definition."""
    from sparsetune.app.parts import registries
    from sparsetune.show.metrics import show_metrics

    show_metrics(registries(own_files(import_)).metrics, names or [])


@app.command(rich_help_panel=NAMES, epilog=examples("sparsetune spaces", "sparsetune spaces ast_pi"))
@guarded
def spaces(
    name: Annotated[
        str | None, typer.Argument(metavar="SPACE", help="Show its parameters.", autocompletion=space_names)
    ] = None,
    root: Root = None,
) -> None:
    """The search spaces of a project; one of them with every parameter."""
    from sparsetune.base.paths import find_root
    from sparsetune.show.catalogue import show_space, show_spaces

    project = find_root(root or Path.cwd())
    show_spaces(project) if name is None else show_space(project, name)


@app.command(rich_help_panel=NAMES, epilog=examples("sparsetune samplers", "sparsetune samplers tpe"))
@guarded
def samplers(name: Sampler = None, import_: Import = None) -> None:
    """The samplers, which propose trials; one of them with every setting."""
    from sparsetune.app.parts import registries
    from sparsetune.show.catalogue import show_engine

    show_engine(registries(own_files(import_)).sampler, name)


@app.command(rich_help_panel=NAMES, epilog=examples("sparsetune pruners", "sparsetune pruners asha"))
@guarded
def pruners(name: Pruner = None, import_: Import = None) -> None:
    """The pruners, which stop trials early; one of them with every setting."""
    from sparsetune.app.parts import registries
    from sparsetune.show.catalogue import show_engine

    show_engine(registries(own_files(import_)).pruner, name)

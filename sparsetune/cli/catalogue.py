"""Commands that show what a study file can name: methods, models, metrics, spaces, samplers, pruners."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from sparsetune.cli.app import NAMES, Import, Root, Verbose, app, examples, guarded, own_files
from sparsetune.cli.completion import method_names, metric_names, model_names, pruner_names, sampler_names, space_names


def _one(metavar: str, names: Callable[[], list[str]]) -> Any:
    return typer.Argument(metavar=metavar, help="Show its settings too.", autocompletion=names)


@app.command(
    rich_help_panel=NAMES,
    epilog=examples("sparsetune methods", "sparsetune methods ast", "sparsetune methods mine --import mine.py"),
)
@guarded
def methods(
    name: Annotated[str | None, _one("METHOD", method_names)] = None,
    import_: Import = None,
    verbose: Verbose = False,
) -> None:
    """The methods; one of them with its paper, its idea and every setting."""
    from sparsetune.app.parts import registries
    from sparsetune.show.catalogue import show_methods

    show_methods(registries(own_files(import_)), name)


@app.command(rich_help_panel=NAMES, epilog=examples("sparsetune models", "sparsetune models resnet18"))
@guarded
def models(
    name: Annotated[str | None, _one("MODEL", model_names)] = None,
    import_: Import = None,
    verbose: Verbose = False,
) -> None:
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
    verbose: Verbose = False,
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
    verbose: Verbose = False,
) -> None:
    """The search spaces of a project; one of them with every parameter."""
    from sparsetune.base.paths import find_root
    from sparsetune.show.catalogue import show_space, show_spaces

    project = find_root(root or Path.cwd())
    show_spaces(project) if name is None else show_space(project, name)


@app.command(rich_help_panel=NAMES, epilog=examples("sparsetune samplers", "sparsetune samplers tpe"))
@guarded
def samplers(
    name: Annotated[str | None, _one("SAMPLER", sampler_names)] = None,
    import_: Import = None,
    verbose: Verbose = False,
) -> None:
    """The samplers, which propose trials; one of them with every setting."""
    from sparsetune.app.parts import registries
    from sparsetune.show.catalogue import show_engine

    show_engine(registries(own_files(import_)).sampler, name)


@app.command(rich_help_panel=NAMES, epilog=examples("sparsetune pruners", "sparsetune pruners asha"))
@guarded
def pruners(
    name: Annotated[str | None, _one("PRUNER", pruner_names)] = None,
    import_: Import = None,
    verbose: Verbose = False,
) -> None:
    """The pruners, which stop trials early; one of them with every setting."""
    from sparsetune.app.parts import registries
    from sparsetune.show.catalogue import show_engine

    show_engine(registries(own_files(import_)).pruner, name)

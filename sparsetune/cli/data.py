"""Commands around data: list, check, fetch, clean."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from sparsetune.base.errors import BadInput
from sparsetune.cli.app import IN_THAT_LOOK, Json, Root, examples, guarded, stderr
from sparsetune.cli.spans import UnusedFor, seconds
from sparsetune.cli.where import project_or_none

data = typer.Typer(
    **IN_THAT_LOOK,
    help="Data sets: which are here, what is decoded; fetch, check, clean.",
    epilog=examples("sparsetune data list", "sparsetune data fetch mnist", "sparsetune data check mnist"),
)

Dir = Annotated[
    Path | None, typer.Option("--dir", help="Folder of data files; else SPARSETUNE_DATA, else the project's data/.")
]


def data_names() -> list[str]:
    """What a study can name."""
    from sparsetune.data import DATA

    return DATA.names()


def source_names() -> list[str]:
    """What can be fetched."""
    from sparsetune.fetch.sources import SOURCES

    return [*SOURCES, "kaggle:"]


@data.command("list", epilog=examples("sparsetune data list", "sparsetune data list folder"))
@guarded
def list_data(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Show its settings.", autocompletion=data_names)
    ] = None,
    root: Root = None,
    folder: Dir = None,
    as_json: Json = False,
) -> None:
    """Every data set, whether its files are here, and what is decoded; of one its settings. Changes nothing."""
    from sparsetune.show.data import show_list, show_one

    if name is None:
        show_list(_project(root), _absolute(folder), as_json=as_json)
    else:
        show_one(name)


@data.command(
    epilog=examples(
        "sparsetune data check",
        "sparsetune data check mnist",
        "sparsetune data check folder --set train_dir=pets/train --set resize=64",
        note="Exit code 1: the data set NAME is missing or broken. Without NAME nothing was asked for: it is 0.",
    ),
)
@guarded
def check(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="A data set; all without it.", autocompletion=data_names)
    ] = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting of the data set.")
    ] = None,
    root: Root = None,
    folder: Dir = None,
    as_json: Json = False,
) -> None:
    """What is missing or broken. With NAME its files are read, and decoded if need be; else they are looked for."""
    from sparsetune.config.overrides import parse_assignments
    from sparsetune.show.data import show_check, show_check_of

    settings = {key.removeprefix("data."): value for key, value in parse_assignments(assignments or []).items()}
    if name is None:
        if settings:
            raise BadInput("goes with the name of a data set", key="--set", code="conflict")
        show_check(_project(root), _absolute(folder), as_json=as_json)
        return
    if folder is not None:
        settings["root"] = _absolute(folder)
    wrong = show_check_of(name, settings, _project(root), as_json=as_json, progress=stderr())
    raise typer.Exit(1 if wrong else 0)


@data.command(
    epilog=examples(
        "sparsetune data fetch mnist",
        "sparsetune data fetch imagenette --dir ~/data",
        "sparsetune data fetch kaggle:OWNER/SET",
        note="Kaggle wants pip install 'sparsetune\\[kaggle]', and for sets that are not public KAGGLE_USERNAME and "
        "KAGGLE_KEY, in the environment or in .env.",
    ),
)
@guarded
def fetch(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A data set, or kaggle:OWNER/SET.", autocompletion=source_names)
    ],
    root: Root = None,
    folder: Dir = None,
) -> None:
    """Download a data set from its makers, whole and checked, or not at all."""
    from sparsetune.data.roots import data_root
    from sparsetune.show.data import show_fetch

    show_fetch(name, data_root(_absolute(folder), _project(root)), stderr())


@data.command(epilog=examples("sparsetune data clean", "sparsetune data clean --unused-for 30d --yes"))
@guarded
def clean(
    unused_for: UnusedFor = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove decoded data from this machine's cache. The files that they were decoded from stay."""
    from sparsetune.show.data import show_clean

    show_clean(seconds(unused_for), lambda question: yes or _agreed(question))


def _agreed(question: str) -> bool:
    """What somebody answers; raises :class:`BadInput` where nobody does."""
    try:
        return typer.confirm(question)
    except typer.Abort:
        if sys.stdin.isatty():
            raise
        print(file=sys.stderr)  # the question has no end of line
        raise BadInput("missing, and there is nobody to ask", key="--yes", code="missing") from None


def _project(root: Path | None) -> Path:
    """The project's root; without one, what is here."""
    project = project_or_none(root)
    return project.root if project else Path.cwd()


def _absolute(folder: Path | None) -> str | None:
    """From where the command is typed."""
    return None if folder is None else str(folder.expanduser().absolute())

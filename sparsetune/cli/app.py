"""What all commands share: the app, how its help looks, how commands end, and the options that several take.

Help ends with examples to paste, one a line.
"""

from __future__ import annotations

import functools
import inspect
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar, get_type_hints

import typer
from rich.markup import escape
from typer.core import TyperCommand, TyperGroup, TyperOption

from sparsetune.base.disk import CannotWrite, disk_trouble
from sparsetune.base.errors import BadInput, in_utf8
from sparsetune.base.layout.printable import printable, printable_lines
from sparsetune.base.secrets import hidden
from sparsetune.base.signals import Stopped
from sparsetune.cli.stdout import NO_ROOM, reader_left, written_out

if TYPE_CHECKING:
    from sparsetune.base.layout.console import Console
    from sparsetune.base.messages import OwnFile


def examples(*lines: str, note: str = "") -> str:
    """The end of a command's help: lines to paste, of at most 76 characters, and a word on them."""
    shown = [f"[cyan]  {escape(line)}[/cyan]" for line in lines]  # typer strips the margin of its texts
    return "\n".join(["[dim]For example[/dim]", *shown, *(["", f"[dim]{note}[/dim]"] if note else [])])


class _Look:
    """What was typed is part of what typer says of it; a flag has no type beside it."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().make_context(*args, **kwargs)  # type: ignore[misc]
        except Exception as error:
            if isinstance(getattr(error, "message", None), str):
                error.message = printable(error.message)  # type: ignore[attr-defined]
            raise

    def get_params(self, ctx: Any) -> list[Any]:
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for param in params:
            if isinstance(param, TyperOption) and param.is_flag:
                param.metavar = ""  # else: <bool>
        return params


class Command(_Look, TyperCommand):
    """A command in that look."""


class Group(_Look, TyperGroup):
    """Several commands, in that look."""


F = TypeVar("F", bound=Callable[..., Any])

TRAIN, LOOK, NAMES, PROJECT = "Train", "Look", "What a file can name", "Project"  # the panels of `--help`

IN_THAT_LOOK: dict[str, Any] = {
    "cls": Group,
    "no_args_is_help": True,
    "pretty_exceptions_enable": False,
    "rich_markup_mode": "rich",
}
app = typer.Typer(
    **IN_THAT_LOOK,
    epilog=examples(
        "sparsetune init demo; cd demo",
        "sparsetune study studies/ast_pi.yaml",
        "sparsetune best ast_pi",
        note="Exit codes: 0 done; 1 a trial failed, or doctor found a problem; 2 bad input, nothing written; "
        "3 no trial completed; 70 a fault of SparseTune; 74 no room to write; 130 interrupted; 141 the reader of a "
        "pipe left.",
    ),
)

Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Set any key; one that varies is pinned.")
]
Root = Annotated[Path | None, typer.Option(help="The project; else the nearest folder upward with search_spaces/.")]
Storage = Annotated[str | None, typer.Option(help="Optuna storage URL; else the project's mlruns/studies.db.")]
Import = Annotated[
    list[str] | None, typer.Option("--import", metavar="FILE", help="A Python file of your own that registers things.")
]
Uri = Annotated[
    str | None, typer.Option(help="MLflow's tracking URI; else MLFLOW_TRACKING_URI, else mlruns/mlflow.db.")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, all else on stderr.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show tracebacks.")]


def guarded(command: F) -> F:
    """A command that ends as :func:`ending` says, with the option ``--verbose`` after its own."""
    run = ending(command)
    option = inspect.Parameter("verbose", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Verbose)
    own = inspect.signature(command, eval_str=True)
    run.__signature__ = own.replace(parameters=[*own.parameters.values(), option])  # type: ignore[attr-defined]
    run.__annotations__ = {**get_type_hints(command, include_extras=True), "verbose": Verbose}
    return run


def ending(command: F) -> F:
    """Bad input ends with one line and code 2, Ctrl-C with code 130."""

    @functools.wraps(command)
    def run(*args: Any, verbose: bool = False, **kwargs: Any) -> Any:
        try:
            for value in kwargs.values():
                for text in value if isinstance(value, list | tuple) else [value]:
                    if isinstance(text, str | Path):
                        in_utf8(text)
            return command(*args, **kwargs)
        except BadInput as error:
            if verbose:
                _show_traceback()
            _fail(f"error: {error}", 2)
        except Stopped as stopped:
            _fail(str(stopped), 128 + stopped.signum)
        except KeyboardInterrupt:
            _fail("interrupted; a study goes on from here when it is started again", 130)
        except (typer.Exit, typer.Abort):
            raise
        except CannotWrite as error:
            _fail(_no_room(str(error)), NO_ROOM)
        except Exception as error:
            if isinstance(error, BrokenPipeError) and reader_left():
                raise  # to `main`
            trouble = disk_trouble(error)
            if trouble:
                _fail(_no_room(trouble), NO_ROOM)
            _show_traceback()
            _fail("error: this should not happen; what was finished is kept, the same command goes on from here", 70)

    return run  # type: ignore[return-value]


def _no_room(trouble: str) -> str:
    return f"error: {trouble}; what was finished is kept, the same command goes on once there is room"


def _show_version(wanted: bool) -> None:
    if wanted:
        from sparsetune import __version__

        print(f"sparsetune {__version__}")
        raise typer.Exit


@app.callback()
@ending
def about(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """Which setting of my sparsity method should I use, and what does it cost me?"""
    from sparsetune.base.surroundings.home import settle

    settle()


def _show_traceback() -> None:
    print(printable_lines(hidden(traceback.format_exc())), end="", file=sys.stderr)


def _fail(line: str, code: int) -> NoReturn:
    print(printable(line), file=sys.stderr)
    raise typer.Exit(code)


def stderr() -> Console:
    """Progress and warnings go here, so that stdout holds results alone."""
    from sparsetune.base.layout.console import open_console
    from sparsetune.live.output import unbreakable

    return open_console(file=unbreakable(sys.stderr), stderr=True)  # a closed terminal ends no study


def own_files(paths: list[str] | None) -> tuple[OwnFile, ...]:
    """What ``--import`` names, relative to the current folder."""
    from sparsetune.config.own import read_own

    try:
        return read_own(paths or (), Path(), "")
    except BadInput as error:
        key = error.key if error.source else "--import"  # else what is wrong is in the file
        raise error.at(key=key) from error.__cause__


def main() -> None:
    """The `sparsetune` command; `.env` upward from here is read first."""
    from sparsetune.base.variables import read_env

    read_env()
    written_out(app)

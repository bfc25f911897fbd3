"""The command line: parses, calls, prints; decides nothing."""

from __future__ import annotations

import functools
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

from sparsetune.config.errors import BadInput

if TYPE_CHECKING:
    from rich.console import Console

F = TypeVar("F", bound=Callable[..., Any])

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Which setting of my sparsity method should I use, and what does it cost me?",
    epilog="Exit codes: 0 done; 1 a trial failed; 2 bad input, nothing written; 3 no trial completed; 130 interrupted; "
    "70 a fault of SparseTune.",
)

Set = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Set any key.")]
Root = Annotated[Path | None, typer.Option(help="The project; else the nearest folder upward with search_spaces/.")]
Storage = Annotated[str | None, typer.Option(help="Optuna storage URL; else the project's mlruns/studies.db.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, all else on stderr.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show tracebacks.")]


def guarded(command: F) -> F:
    """Bad input ends with one line and code 2, Ctrl-C with code 130."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except BadInput as error:
            if kwargs.get("verbose"):
                traceback.print_exc()
            _fail(f"error: {error}", 2)
        except KeyboardInterrupt:
            _fail("interrupted; the same command goes on from here", 130)
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except Exception:
            traceback.print_exc()
            _fail("error: this should not happen; what was finished is kept, the same command goes on from here", 70)

    return run  # type: ignore[return-value]


def _show_version(wanted: bool) -> None:
    if wanted:
        from sparsetune import __version__

        print(f"sparsetune {__version__}")
        raise typer.Exit


@app.callback()
def about(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """Which setting of my sparsity method should I use, and what does it cost me?"""


def _fail(line: str, code: int) -> NoReturn:
    print(line, file=sys.stderr)
    raise typer.Exit(code)


def stderr() -> Console:
    """Progress and warnings go here, so that stdout holds results alone."""
    from rich.console import Console

    return Console(stderr=True)


@app.command(epilog="Example: sparsetune study studies/ast_pi.yaml --set training.epochs=5 --trials 8")
@guarded
def study(
    file: Annotated[Path, typer.Argument(help="A study file, such as studies/ast_pi.yaml.")],
    set_: Set = None,
    trials: Annotated[int | None, typer.Option(help="Trials in all, instead of budget.trials.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Trials at once; else as many as fit.")] = None,
    in_process: Annotated[bool, typer.Option("--in-process", help="Without Ray: one trial after another.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check, and show what would run.")] = False,
    verbose: Verbose = False,
) -> None:
    """Run a study, or go on with one: finished trials stay, the budget counts all."""
    from sparsetune import study as story
    from sparsetune.config.overrides import parse_assignments
    from sparsetune.show import show_dry_run, show_summary

    overrides = parse_assignments(set_ or ())
    if trials is not None:
        overrides["budget.trials"] = trials
    loaded = story.load(file, overrides)
    if dry_run:
        show_dry_run(loaded)
        return
    summary = story.run_study(loaded, workers=workers, in_process=in_process, console=stderr())
    show_summary(loaded, summary)
    raise typer.Exit(summary.exit_code)


@app.command(epilog="Example: sparsetune best ast_pi --trial 7 > seven.yaml; sparsetune run seven.yaml -o seven")
@guarded
def run(
    configs: Annotated[list[Path], typer.Argument(help="Trial configs: method, data, model, training, seed.")],
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Keep each trial's files in this folder.")] = None,
    set_: Set = None,
    root: Root = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Train single configs outside a study, in this process; MLflow keeps them in the experiment `runs`.

    A run that was interrupted goes on when it is started again.
    """
    from sparsetune.config.overrides import parse_assignments
    from sparsetune.runs import run_configs
    from sparsetune.show import show_runs

    results = run_configs(configs, parse_assignments(set_ or ()), out=out, root=root, console=stderr())
    show_runs(results, as_json=as_json)
    complete = sum(trial.state == "COMPLETE" for _, trial in results)
    raise typer.Exit(0 if complete == len(results) else 1 if complete else 3)


@app.command(epilog="Example: sparsetune status ast_pi --json")
@guarded
def status(
    name: Annotated[str | None, typer.Argument(metavar="[STUDY]", help="A study's name; all without it.")] = None,
    root: Root = None,
    storage: Storage = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """How far the studies of a project are."""
    from sparsetune.show import show_status

    show_status(storage_url(root, storage), name, as_json=as_json)


@app.command(epilog="Example: sparsetune best ast_pi --trial 7 > best.yaml")
@guarded
def best(
    name: Annotated[str, typer.Argument(metavar="STUDY", help="A study's name.")],
    trial: Annotated[int | None, typer.Option(help="The number of the trial whose config to print.")] = None,
    root: Root = None,
    storage: Storage = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """The best config as YAML that `run` takes; with several objectives the Pareto front, and the trial asked for."""
    from sparsetune.show import show_best

    show_best(storage_url(root, storage), name, trial, as_json=as_json)


@app.command(epilog="Example: sparsetune export ast_pi --csv > ast_pi.csv")
@guarded
def export(
    name: Annotated[str, typer.Argument(metavar="STUDY", help="A study's name.")],
    csv: Annotated[bool, typer.Option("--csv", help="One row a trial (the default).")] = False,
    root: Root = None,
    storage: Storage = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """All trials of a study on stdout, as CSV or JSON."""
    from sparsetune.show import show_export

    if csv and as_json:
        raise BadInput("found --csv and --json, allowed: one of them", key="export")
    show_export(storage_url(root, storage), name, as_json=as_json)


@app.command(epilog="Example: sparsetune methods ast")
@guarded
def methods(
    name: Annotated[str | None, typer.Argument(metavar="[METHOD]", help="Show its settings too.")] = None,
    verbose: Verbose = False,
) -> None:
    """The methods that a study can name."""
    from sparsetune.show import show_methods

    show_methods(name)


@app.command()
@guarded
def metrics(verbose: Verbose = False) -> None:
    """Every metric: its unit, which way is better, and its definition."""
    from sparsetune.show import show_metrics

    show_metrics()


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


def storage_url(root: Path | None, storage: str | None) -> str:
    """The storage that a command without a study file reads."""
    from sparsetune.config.paths import Project, find_root

    return storage or Project(find_root(root or Path.cwd())).storage_url


def main() -> None:
    """The `sparsetune` command; `.env` upward from here is read first."""
    from dotenv import find_dotenv, load_dotenv

    load_dotenv(find_dotenv(usecwd=True))
    app()

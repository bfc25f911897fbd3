"""``run`` a study, ``load`` its results: the two calls of the Python API."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sparsetune.app.api.arguments import overrides, whole_number
from sparsetune.app.api.result import StudyResult
from sparsetune.base.errors import BadInput
from sparsetune.base.paths import Project, find_root
from sparsetune.base.variables import from_environment, read_env

_HERE = {"--set": "set", "--workers": "workers"}  # options of the command line, as arguments of `run`
_SWITCH = ("--in-process", "in_process=True")


def run(
    path: str | os.PathLike[str],
    *,
    set: Mapping[str, Any] | None = None,
    trials: int | None = None,
    workers: int | None = None,
    in_process: bool = False,
    progress: bool = True,
) -> StudyResult:
    """Run a study until its budget is spent, or go on with it: finished trials stay, the budget counts all.

    Returns when all trials have ended. It may be called as often as you like and from any thread; on Ray one study at
    a time in a process. A Ray that already runs in this process is used, and left running.

    Args:
        path: the study file, such as ``studies/ast_pi.yaml``.
        set: dotted names to values, such as ``{"training.epochs": 5}``: sets any key of the file, and pins one that
            the space varies.
        trials: trials in all, instead of ``budget.trials``.
        workers: trials at once, at least 1; None for as many as the resources hold.
        in_process: without Ray, one trial after another, here.
        progress: show progress and warnings, in a notebook below the cell, else on stderr; False shows neither.

    Returns:
        The study as it stands, trials of earlier runs included. A trial that failed raises nothing: see ``failures``.

    Raises:
        BadInput: for a wrong file or argument, before anything is written.
        KeyboardInterrupt: interrupted (in the main thread); running trials have saved their state, and the same call
            goes on from there.
        CannotWrite: no room for results; what was finished is kept, and the same call goes on once there is room.
    """
    with _arguments_not_options():
        changes = overrides(set, trials)
        at_once = whole_number("workers", workers)
        from sparsetune.app import study as story
        from sparsetune.base.layout.console import open_console

        read_env()
        study = story.load(Path(path).expanduser(), changes)
        console = open_console(stderr=True, quiet=not progress)
        story.run_study(study, workers=at_once, in_process=in_process, console=console)
    return _result(study.storage, study.name)


def load(
    name: str | os.PathLike[str], *, root: str | os.PathLike[str] | None = None, storage: str | None = None
) -> StudyResult:
    """What a study has found so far, also while it runs elsewhere: a snapshot, so load again to see more.

    Args:
        name: the study's name; or its file (a path, or text that ends in .yaml or .yml), which knows its storage.
        root: the project; else the nearest folder upward from here that has ``search_spaces/``.
        storage: Optuna storage URL; else the project's ``mlruns/studies.db``.

    Raises:
        BadInput: if there is no such study, with the nearest name; or no project, or no storage.
    """
    read_env()
    if isinstance(name, os.PathLike) or name.endswith((".yaml", ".yml")):
        if root is not None or storage is not None:
            problem = "a study file says where its storage is: leave out root and storage"
            raise BadInput(problem, source=name, code="conflict")
        return _result(*_written(Path(name).expanduser()))
    if storage:
        return _result(from_environment(storage, "", "storage"), name)
    return _result(Project(find_root(Path(root).expanduser() if root else Path.cwd())).storage_url, name)


def _written(path: Path) -> tuple[str, str]:
    """The storage and the name that a study file gives; the rest of it is not looked at."""
    from sparsetune.base.yaml_io import read_mapping
    from sparsetune.config.base import check_model
    from sparsetune.config.study.file import StudyFile

    raw = read_mapping(path)
    file = check_model(StudyFile, {k: v for k, v in raw.items() if k in StudyFile.model_fields}, source=path)
    here = Project(find_root(path)).storage_url
    return (from_environment(file.storage, path, "storage") if file.storage else here), file.study


def _result(storage: str, name: str) -> StudyResult:
    from sparsetune.search.storage import read_study

    return StudyResult(name, storage, read_study(storage, name))


@contextmanager
def _arguments_not_options() -> Iterator[None]:
    try:
        yield
    except BadInput as error:
        said = {name: getattr(error, name).replace(*_SWITCH) for name in ("problem", "found", "allowed")}
        source, key = _HERE.get(error.source, error.source), _HERE.get(error.key, error.key)
        raise BadInput(**said, source=source, key=key, code=error.code) from None

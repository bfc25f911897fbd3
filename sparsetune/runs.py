"""Single trials outside a study: the same driver and core, without Optuna.

A config that was interrupted goes on when it is run again: its folder is named by what decides its numbers.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparsetune import inputs
from sparsetune.assembly import registries, train_and_draw, visible_gpus, warner
from sparsetune.config.errors import BadInput
from sparsetune.config.extent import Extent
from sparsetune.config.messages import Branch, Key, Metrics, Row, Run, State, Trial
from sparsetune.config.metrics import METRICS, Goal
from sparsetune.config.overrides import assign
from sparsetune.config.paths import Project, find_root, made, slug
from sparsetune.config.provenance import environment, tags
from sparsetune.config.registry import Registries
from sparsetune.config.study_file import Objective
from sparsetune.config.top_level import TRIAL_KEYS, refuse_other_kind, refuse_unknown
from sparsetune.config.trial import TrialConfig, resolve_trial
from sparsetune.config.yaml_io import read_mapping, write_atomic
from sparsetune.driver import Driver
from sparsetune.search.lock import hold

if TYPE_CHECKING:
    from rich.console import Console

EXPERIMENT = "runs"
_SHOWN: tuple[tuple[str, Goal], ...] = (("val_accuracy", "maximize"), ("val_loss", "minimize"))


class SingleTrial:
    """A book of one trial that nothing prunes or remembers."""

    def __init__(self, config: dict[str, Any], branches: tuple[Branch, ...] = (Branch(),)) -> None:
        runs = tuple(Run(Key(0, config["seed"], branch.name)) for branch in branches)
        started = time.time_ns() // 1_000_000
        self.trial = Trial(0, "RUNNING", {}, config, started_ms=started, runs=runs, branches=branches)
        self._asked = False

    def __len__(self) -> int:
        return int(self._asked)

    @property
    def spent(self) -> bool:
        return self._asked

    def trials(self) -> list[Trial]:
        return [self.trial] if self._asked else []

    def ask(self) -> Trial:
        self._asked = True
        return self.trial

    def report(self, number: int, row: Row) -> bool:
        return False

    def replicate(self, number: int, index: int, metrics: Metrics) -> bool:
        return False

    def tell(self, number: int, state: State, runs: Sequence[Run], reason: str = "") -> Trial:
        ended, first = time.time_ns() // 1_000_000, runs[0]
        self.trial = replace(
            self.trial,
            state=state,
            metrics=first.metrics,
            reason=reason,
            notes=first.notes,
            ended_ms=ended,
            runs=tuple(runs),
        )
        return self.trial


def run_configs(
    paths: Sequence[Path], overrides: Mapping[str, Any], *, out: Path | None, root: Path | None, console: Console
) -> list[tuple[str, Trial]]:
    """Train each config in turn, in this process; all are checked before the first starts.

    Args:
        overrides: dotted names to values, for every config.
        out: a folder that gets a folder of files for each config (the files themselves if there is one config).
        root: the project; else found upward from the config, else from the current folder.

    Returns:
        The name and the trial of each.
    """
    known = registries()
    configs = [_config(path, overrides, known) for path in paths]
    projects = [Project(find_root(root)) if root else _project(path) for path in paths]
    found = [
        inputs.locate(config, project, known, path)
        for path, config, project in zip(paths, configs, projects, strict=True)
    ]
    prepared: list[inputs.Prepared] = []
    with inputs.progress_bar(console) as progress:
        for path, config, places in zip(paths, configs, found, strict=True):
            prepared.append(inputs.prepare(config, places, known, path, progress))
    for remark in dict.fromkeys(remark for each in prepared for remark in each.remarks):
        warner(console)(remark)
    for path, config in zip(paths, configs, strict=True):
        if config.training.device == "cuda" and not visible_gpus():
            raise BadInput("found 'cuda', but torch sees no GPU here", source=path, key="training.device")
    folders = _folders(paths, out)
    results = []
    for path, config, project, places, read in zip(paths, configs, projects, found, prepared, strict=True):
        identity = json.dumps({**config.plain(), **environment(), "content": read.content}, sort_keys=True)
        work = project.trials(path.stem, hashlib.sha256(identity.encode()).hexdigest()[:12])
        with hold(project.runs / "locks" / f"{work.name}.lock", path.stem):
            trial = _run_one(path.stem, config, project, work, places, folders.get(path), console)
        results.append((path.stem, trial))
    return results


def _config(path: Path, overrides: Mapping[str, Any], known: Registries) -> TrialConfig:
    written = read_mapping(path)
    refuse_other_kind(written, "trial", path)
    raw = assign(written, overrides)
    refuse_unknown(raw, TRIAL_KEYS, known, path)
    return resolve_trial(raw, known, source=path)


def _folders(paths: Sequence[Path], out: Path | None) -> dict[Path, Path]:
    """An empty folder for each config's files; raises :class:`BadInput` rather than write over anything."""
    if out is None:
        return {}
    stems = [path.stem for path in paths]
    twice = next((stem for stem in stems if stems.count(stem) > 1), None)
    if twice is not None:
        raise BadInput(f"two configs are called {twice!r}, and each gets a folder of its name", key="--out")
    folders = {path: out if len(paths) == 1 else out / path.stem for path in paths}
    for folder in folders.values():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            full = any(folder.iterdir())
        except OSError as error:
            raise BadInput(f"{folder} cannot be used: {error.strerror}", key="--out") from None
        if full:
            raise BadInput(f"{folder} is not empty; choose another folder", key="--out")
    return folders


def _project(path: Path) -> Project:
    try:
        return Project(find_root(path))
    except BadInput:
        return Project(find_root(Path.cwd()))


def _run_one(
    stem: str,
    config: TrialConfig,
    project: Project,
    folder: Path,
    places: inputs.Places,
    keep: Path | None,
    console: Console,
) -> Trial:
    from sparsetune.execution.in_process import InProcess
    from sparsetune.tracking.console import ConsoleObserver
    from sparsetune.tracking.mlflow import MlflowTracker
    from sparsetune.tracking.places import RUN

    plain = config.plain()
    task = registries().data.get(config.data.name).task(config.data)
    name = _name(folder, stem)
    warn = warner(console)
    uri = os.environ.get("MLFLOW_TRACKING_URI") or project.tracking_uri
    labels = {**tags(project.root), RUN: name}
    tracker = MlflowTracker(uri, EXPERIMENT, project.artifacts, study=None, tags=labels, warn=warn)
    shown = tuple(Objective(metric=name, goal=goal) for name, goal in _SHOWN if METRICS[name].of(task))
    book = SingleTrial(plain)
    watcher = ConsoleObserver(console, shown, (), Extent(1), stem)
    driver = Driver(
        book,
        (tracker, watcher),
        folder=folder,
        objectives=(),
        job_options={},
        localise=lambda config: assign(config, places),
        kept=lambda number: False,
    )
    try:
        InProcess().run(driver, train_and_draw)
    finally:
        tracker.close()
        watcher.close()
    if keep is not None:
        for file in driver.folders.files(book.trial)[book.trial.runs[0].key].values():
            shutil.copy2(file, keep / file.name)
    if tracker.logged(0):
        shutil.rmtree(folder, ignore_errors=True)
    return book.trial


def _name(folder: Path, stem: str) -> str:
    """The run's name: that of the interrupted run, if there is one, else a new one."""
    file = folder / "name"
    if not file.exists():
        made(folder)
        write_atomic(file, f"{slug(stem)} {time.strftime('%Y-%m-%d %H:%M:%S')}.{time.time_ns() % 1000:03d}")
    return file.read_text()

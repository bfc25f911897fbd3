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
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparsetune.app import inputs, parts
from sparsetune.app.parts import at_home, run_alone, visible_gpus, warner
from sparsetune.app.shelf import shelf_options
from sparsetune.base.errors import BadInput
from sparsetune.base.messages import OwnFile, Trial
from sparsetune.base.paths import Project, find_root, made, slug
from sparsetune.base.shelf import LIMIT_GB
from sparsetune.base.stores.tracking_uri import tracking_uri
from sparsetune.base.surroundings.remarks import remarks
from sparsetune.base.yaml_io import read_mapping, write_atomic
from sparsetune.config.base import check_model
from sparsetune.config.metrics import Goal
from sparsetune.config.overrides import assign
from sparsetune.config.own import KEY, digest_of, read_own
from sparsetune.config.provenance import environment, tags
from sparsetune.config.registry import StudyRegistries
from sparsetune.config.study.file import TRIAL_KEYS, Imports, Objective, refuse_other_kind, refuse_unknown
from sparsetune.config.study.problem import Extent
from sparsetune.config.trial import TrialConfig, resolve_trial
from sparsetune.drive.book import SingleTrial
from sparsetune.search.lock import hold
from sparsetune.sparsity.methods import METRICS
from sparsetune.tracking.store import check_experiment

if TYPE_CHECKING:
    from rich.console import Console

EXPERIMENT = "runs"
_SHOWN: tuple[tuple[str, Goal], ...] = (("val_accuracy", "maximize"), ("val_loss", "minimize"))


@dataclass(frozen=True)
class _Order:
    """A config that was checked, and what it needs."""

    path: Path
    config: TrialConfig
    own: tuple[OwnFile, ...]
    registries: StudyRegistries
    project: Project
    places: inputs.Places
    uri: str  # MLflow's


def run_configs(
    paths: Sequence[Path],
    overrides: Mapping[str, Any],
    *,
    own: tuple[OwnFile, ...] = (),
    out: Path | None,
    root: Path | None,
    console: Console,
    shelf_gb: float = LIMIT_GB,
) -> list[tuple[str, Trial]]:
    """Train each config in turn, in this process; all are checked before the first starts.

    Args:
        overrides: dotted names to values, for every config.
        own: files of the user's own for every config, beside those that its key ``import`` names.
        out: a folder that gets a folder of files for each config (the files themselves if there is one config).
        root: the project; else found upward from the config, else from the current folder.
        shelf_gb: what stages that trials of the project have in common may take; 0: none are taken or left.

    Returns:
        The name and the trial of each.
    """
    orders = [_order(path, overrides, own, root) for path in paths]
    for uri in {each.uri for each in orders}:
        check_experiment(uri, EXPERIMENT)
    prepared: list[inputs.Prepared] = []
    with inputs.progress_bar(console) as progress:
        for each in orders:
            prepared.append(inputs.prepare(each.config, each.places, each.registries, each.path, progress))
    for remark in dict.fromkeys([*remarks(ray=False), *(remark for each in prepared for remark in each.remarks)]):
        warner(console)(remark)
    for each in orders:
        if each.config.training.device == "cuda" and not visible_gpus():
            raise BadInput("torch sees no GPU here", source=each.path, key="training.device", found="'cuda'")
    folders = _folders(paths, out)
    results = []
    for each, read in zip(orders, prepared, strict=True):
        identity = {**each.config.plain(), **environment(each.own), "content": read.content}
        digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:12]
        work = each.project.trials(each.path.stem, digest)
        lock_file = each.project.runs / "locks" / f"{work.name}.lock"
        with hold(lock_file, each.path.stem):
            trial = _run_one(each, work, folders.get(each.path), lock_file, console, shelf_gb)
        results.append((each.path.stem, trial))
    return results


def _order(path: Path, overrides: Mapping[str, Any], own: tuple[OwnFile, ...], root: Path | None) -> _Order:
    written = read_mapping(path)
    refuse_other_kind(written, "trial", path)
    raw = assign(written, overrides)
    named = check_model(Imports, {KEY: raw.pop(KEY)} if KEY in raw else {}, source=path).imports
    own = tuple({digest_of(file): file for file in (*read_own(named, path.parent, path), *own)}.values())
    registries = parts.registries(own)
    refuse_unknown(raw, {*TRIAL_KEYS, KEY}, registries, path)
    config = resolve_trial(raw, registries, source=path)
    project = Project(find_root(root) if root else find_root(path, Path()))
    uri = tracking_uri() or project.tracking_uri
    return _Order(path, config, own, registries, project, inputs.locate(config, project, registries, path), uri)


def _folders(paths: Sequence[Path], out: Path | None) -> dict[Path, Path]:
    """An empty folder for each config's files; raises :class:`BadInput` rather than write over anything."""
    if out is None:
        return {}
    stems = [path.stem for path in paths]
    twice = next((stem for stem in stems if stems.count(stem) > 1), None)
    if twice is not None:
        problem = f"two configs are called {twice!r}, and each gets a folder of its name"
        raise BadInput(problem, key="--out", code="conflict")
    folders = {path: out if len(paths) == 1 else out / path.stem for path in paths}
    for folder in folders.values():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            full = any(folder.iterdir())
        except OSError as error:
            raise BadInput(f"{folder} cannot be used: {error.strerror}", key="--out", code="unavailable") from None
        if full:
            raise BadInput(f"{folder} is not empty; choose another folder", key="--out", code="exists")
    return folders


def _run_one(
    order: _Order, folder: Path, keep: Path | None, lock_file: Path, console: Console, shelf_gb: float
) -> Trial:
    from sparsetune.live.console import ConsoleObserver
    from sparsetune.tracking.mlflow import MlflowTracker
    from sparsetune.tracking.run_keys import RUN
    from sparsetune.tracking.subject import Subject

    config, stem, project = order.config, order.path.stem, order.project
    task = order.registries.data.get(config.data.name).task(config.data)
    name = _name(folder, stem)
    warn = warner(console)
    labels = {**tags(project.root, order.own), RUN: name}
    home = at_home(project, order.uri, lock_file)
    left = keep or folder.with_name(slug(name))  # another run of this config gets the folder that is its config's
    tracker = MlflowTracker(
        order.uri,
        EXPERIMENT,
        project.artifacts,
        study=None,
        tags=labels,
        warn=warn,
        home=home,
        left_at=lambda files: left.absolute(),
        subject=Subject(source=os.path.relpath(order.path, project.root)),
    )
    shown = tuple(Objective(metric=name, goal=goal) for name, goal in _SHOWN if METRICS[name].of(task))
    book = SingleTrial(config.plain())
    watcher = ConsoleObserver(console, shown, (), Extent(1), stem)
    try:
        options = {"imports": order.own, **shelf_options(project, shelf_gb, warn)}
        driver = run_alone(book, (tracker, watcher), folder=folder, job_options=options, places=order.places)
    finally:
        tracker.close()
        watcher.close()
    if keep is not None:
        for name, file in driver.folders.files(book.trial)[book.trial.runs[0].key].items():
            (keep / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, keep / name)
    if tracker.refused(0) and keep is None:
        driver.folders.of_trial(0).rename(left)
    if tracker.logged(0) or tracker.refused(0):
        shutil.rmtree(folder, ignore_errors=True)
    return book.trial


def _name(folder: Path, stem: str) -> str:
    """The run's name: that of the interrupted run, if there is one, else a new one."""
    file = folder / "name"
    if not file.exists():
        made(folder)
        now = datetime.now().astimezone()
        write_atomic(file, f"{slug(stem)} {now:%Y-%m-%d %H:%M:%S}.{time.time_ns() % 1000:03d}{now:%z}")
    return file.read_text()

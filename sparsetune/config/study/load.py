"""The study file, read and checked as a whole before anything starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sparsetune.base.errors import BadInput
from sparsetune.base.messages import OwnFile
from sparsetune.base.paths import Project, find_root
from sparsetune.base.stores.tracking_uri import tracking_uri
from sparsetune.base.variables import from_environment
from sparsetune.base.yaml_io import read_mapping
from sparsetune.config.base import TEXT, check_model, expand_name
from sparsetune.config.overrides import IN_QUOTES, assign, flatten
from sparsetune.config.own import read_own
from sparsetune.config.registry import StudyRegistries
from sparsetune.config.space.branches import joined, load_choice
from sparsetune.config.space.checks import check_space, refuse_double, resolve_bases
from sparsetune.config.space.files import load_space
from sparsetune.config.study.file import FILE_KEYS, STUDY_KEYS, StudyFile, refuse_other_kind, refuse_unknown
from sparsetune.config.study.forks import check_fork
from sparsetune.config.study.losses import refuse_several_losses
from sparsetune.config.study.objectives import check_objectives
from sparsetune.config.study.study import Study
from sparsetune.config.trial import NAMED, SECTIONS, resolve_part

RegistriesOf = Callable[[tuple[OwnFile, ...]], StudyRegistries]  # what a study can name, with the user's own files


def load_study(path: Path, registries_of: RegistriesOf, overrides: Mapping[str, Any] | None = None) -> Study:
    """Read a study file and check all of it.

    Args:
        registries_of: what a study can name, given the files of its ``import``.
        overrides: dotted names to values (``--set``); one that the space varies is pinned.

    Raises:
        BadInput: the first thing that is wrong, with file and key.
    """
    try:
        return _load(path, registries_of, overrides or {})
    except BadInput as error:
        if any(f"{error.key}.".startswith(f"{name}.") for name in overrides or {}):
            raise error.at(source="--set", more=f"; {IN_QUOTES}" if TEXT in error.sentence else "") from None
        raise error.located(source=path) from error.__cause__


def _load(path: Path, registries_of: RegistriesOf, overrides: Mapping[str, Any]) -> Study:
    written = read_mapping(path)
    refuse_other_kind(written, "study", path)
    raw = assign(written, overrides)
    file = check_model(StudyFile, {k: v for k, v in raw.items() if k in FILE_KEYS})
    imports = read_own(file.imports, path.parent, path)
    registries = registries_of(imports)
    refuse_unknown(raw, STUDY_KEYS, registries, path)
    project = Project(find_root(path))
    folder = project.root / "search_spaces"
    trial_raw = {key: expand_name(raw[key]) if key in NAMED else raw[key] for key in SECTIONS if key in raw}
    shared = load_space(file.space, folder=folder, source=str(path))
    choices = [load_choice(section, trial_raw.get(section), folder, str(path)) for section in NAMED]
    space = (joined(shared, choices) if any(each.rules for each in choices) else shared).without(overrides)
    refuse_double(trial_raw, space, path)
    bases = resolve_bases(trial_raw, space, registries, source=path)
    check_space(bases, space, registries)
    check_objectives(file.objectives, file.constraints, bases.values(), registries)
    for name in file.fork:
        if name in flatten(trial_raw):
            problem = f"{name!r} is written in this file too; remove one"
            raise BadInput(problem, key=f"fork.{name}", code="conflict")
    check_fork(file.fork, bases, space.targets, registries)
    uri = tracking_uri(file.tracking.uri, source=path, key="tracking.uri") if file.tracking.uri else None
    study = Study(
        name=file.study,
        source=path,
        project=project,
        bases=bases,
        space=space,
        objectives=file.objectives,
        sampler=resolve_part("sampler", file.sampler, registries),
        pruner=resolve_part("pruner", file.pruner, registries),
        budget=file.budget,
        resources=file.resources,
        tracking=file.tracking.model_copy(update={"uri": uri}),
        storage=from_environment(file.storage, path, "storage") if file.storage else project.storage_url,
        registries=registries,
        constraints=file.constraints,
        replicates=file.replicates,
        fork=file.fork,
        start_with=file.start_with,
        duplicates=file.duplicates,
        imports=imports,
    )
    for section in ("sampler", "pruner"):
        part = getattr(study, section)
        try:
            for cell in study.cells:
                getattr(registries, section).get(part.name).refuse(part, study.problem_in(cell))
        except BadInput as error:
            raise error.located(key=section) from None
    refuse_several_losses(study)
    return study

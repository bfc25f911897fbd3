"""The study file: what to run, what may vary, what to optimise. Read and checked as a whole before anything starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import field_validator

from sparsetune.config.base import Model, Part, param
from sparsetune.config.cadence import Cadence
from sparsetune.config.checking import check_model, expand_name
from sparsetune.config.errors import BadInput, shown, unknown
from sparsetune.config.metrics import CORE, METRICS, Goal
from sparsetune.config.overrides import assign, flatten
from sparsetune.config.paths import Project, find_root, without_password
from sparsetune.config.registry import Registries, StudyRegistries
from sparsetune.config.space import Space, load_space
from sparsetune.config.space_checks import check_space, refuse_double
from sparsetune.config.trial import NAMED, SECTIONS, TrialConfig, resolve_trial
from sparsetune.config.yaml_io import read_mapping


class Objective(Model):
    """A metric and its goal."""

    metric: str
    goal: Goal


class Budget(Model):
    """Totals over all runs of the study; a trial that failed counts."""

    trials: int = param(..., "trials in all", ge=1)


class Resources(Model):
    """What one trial gets."""

    cpus: int = param(1, "threads of a trial", ge=1)
    gpus: Literal["auto"] | float = param(
        "auto", "auto: one a trial where there are any; a fraction packs several on one"
    )

    @field_validator("gpus")
    @classmethod
    def _share(cls, gpus: Literal["auto"] | float) -> Literal["auto"] | float:
        if gpus != "auto" and not (0 <= gpus <= 1 or (gpus > 1 and gpus.is_integer())):
            raise ValueError(f"found {gpus:g}, allowed: auto, 0, a fraction of one GPU, or a whole number")
        return gpus


class Tracking(Model):
    """Where results are shown and how often a running trial is heard of. None of it changes a number."""

    uri: str | None = param(None, "MLflow's tracking URI; else MLFLOW_TRACKING_URI, else mlruns/mlflow.db")
    report_every: str = param("1ep", "how often a trial reports: epochs (5ep) or seconds (2s)")
    checkpoint_every: str = param("10s", "how often a trial saves its state: epochs (1ep) or seconds (10s)")

    @field_validator("report_every", "checkpoint_every")
    @classmethod
    def _duration(cls, every: str) -> str:
        Cadence(every)
        return every


class StudyFile(Model):
    """The keys of a study file beside those of a trial's config."""

    study: str
    objectives: tuple[Objective, ...] = param((), "what to optimise; several give a Pareto front")
    budget: Budget
    space: Any = None
    sampler: Any = "tpe"
    pruner: Any = "none"
    resources: Resources = Resources()
    tracking: Tracking = Tracking()
    storage: str | None = param(None, "Optuna storage URL; else mlruns/studies.db")

    @field_validator("study")
    @classmethod
    def _printable(cls, name: str) -> str:
        if not name.strip() or not name.isprintable() or len(name) > 200:
            raise ValueError(f"found {shown(name)}, allowed: 1 to 200 printable characters")
        return name


@dataclass(frozen=True)
class Study:
    """A checked study: all that the other rooms need to run it."""

    name: str
    source: Path
    project: Project
    trial: TrialConfig  # the base that the space varies
    space: Space
    objectives: tuple[Objective, ...]
    sampler: Part
    pruner: Part
    budget: Budget
    resources: Resources
    tracking: Tracking
    storage: str

    @property
    def definition(self) -> dict[str, Any]:
        """What makes it this study: a change of any of these is another study."""
        return {
            **self.trial.plain(),
            "space": self.space.plain(),
            "objectives": [objective.model_dump() for objective in self.objectives],
        }

    def resolved(self) -> dict[str, Any]:
        """The whole study with its defaults filled in, as a study file would say it; without passwords."""
        fixed = {name: v for name, v in flatten(self.trial.plain()).items() if name not in self.space.parameters}
        tracking = self.tracking.model_dump(exclude_none=True)
        if self.tracking.uri:
            tracking["uri"] = without_password(self.tracking.uri)
        return {
            "study": self.name,
            **self.definition,
            **assign({}, fixed),
            "sampler": self.sampler.model_dump(mode="json"),
            "pruner": self.pruner.model_dump(mode="json"),
            "budget": self.budget.model_dump(),
            "resources": self.resources.model_dump(),
            "tracking": tracking,
            "storage": without_password(self.storage),
        }

    def config(self, point: Mapping[str, Any], registries: Registries) -> TrialConfig:
        """The trial config at a point of the space."""
        return resolve_trial(assign(self.trial.plain(), point), registries, source=self.source)


def load_study(path: Path, registries: StudyRegistries, overrides: Mapping[str, Any] | None = None) -> Study:
    """Read a study file and check all of it.

    Args:
        overrides: dotted names to values (``--set``); one that the space varies is pinned.

    Raises:
        BadInput: the first thing that is wrong, with file and key.
    """
    try:
        return _load(path, registries, overrides or {})
    except BadInput as error:
        if any(f"{error.key}.".startswith(f"{name}.") for name in overrides or {}):
            raise BadInput(error.problem, source="--set", key=error.key) from None
        raise


def _load(path: Path, registries: StudyRegistries, overrides: Mapping[str, Any]) -> Study:
    raw = assign(read_mapping(path), overrides)
    keys = {*StudyFile.model_fields, *SECTIONS}
    for key in raw:
        if key not in keys:
            raise BadInput(unknown("key", key, keys), source=path, key=key)
    file = check_model(StudyFile, {k: v for k, v in raw.items() if k in StudyFile.model_fields}, source=path)
    project = Project(find_root(path))
    space = load_space(file.space, folder=project.root / "search_spaces", source=str(path)).without(overrides)
    trial_raw = {key: expand_name(raw[key]) if key in NAMED else raw[key] for key in SECTIONS if key in raw}
    refuse_double(trial_raw, space, path)
    trial = resolve_trial(trial_raw, registries, source=path)
    check_space(trial, space, registries)
    return Study(
        name=file.study,
        source=path,
        project=project,
        trial=trial,
        space=space,
        objectives=_objectives(file, trial, registries, path),
        sampler=_named("sampler", file.sampler, registries, path),
        pruner=_pruner(file, registries, path),
        budget=file.budget,
        resources=file.resources,
        tracking=file.tracking,
        storage=file.storage or project.storage_url,
    )


def _objectives(file: StudyFile, trial: TrialConfig, registries: Registries, path: Path) -> tuple[Objective, ...]:
    if not file.objectives:
        raise BadInput("missing: at least one {metric: ..., goal: ...}", source=path, key="objectives")
    given = {*CORE, *registries.method.get(trial.method.name).metrics}
    allowed = [name for name in given if not name.startswith("test_")]
    seen = set()
    for number, objective in enumerate(file.objectives):
        key = f"objectives.{number}.metric"
        if objective.metric.startswith("test_") and objective.metric in METRICS:
            problem = f"{objective.metric!r} is of test data, which never selects anything"
            raise BadInput(f"{problem} (allowed: {', '.join(sorted(allowed))})", source=path, key=key)
        if objective.metric not in allowed:
            raise BadInput(unknown("metric", objective.metric, allowed), source=path, key=key)
        if objective.metric in seen:
            raise BadInput(f"{objective.metric!r} stands twice", source=path, key=key)
        seen.add(objective.metric)
    return file.objectives


def _named(section: str, raw: Any, registries: StudyRegistries, path: Path) -> Part:
    spec = expand_name(raw)
    registry = getattr(registries, section)
    name = spec.get("name") if isinstance(spec, Mapping) else None
    if not isinstance(name, str):
        names = ", ".join(registry.names())
        problem = f"found {shown(raw)}, allowed: a name, or a mapping with a name ({names})"
        raise BadInput(problem, source=path, key=section)
    try:
        entry = registry.get(name)
    except BadInput as error:
        raise error.located(source=path, key=f"{section}.name") from None
    part: Part = check_model(entry.Config, spec, source=path, key=section)
    return part


def _pruner(file: StudyFile, registries: StudyRegistries, path: Path) -> Part:
    pruner = _named("pruner", file.pruner, registries, path)
    if pruner.name == "none":
        return pruner
    if len(file.objectives) != 1:
        raise BadInput(f"{pruner.name!r} wants one objective, found {len(file.objectives)}", source=path, key="pruner")
    metric = file.objectives[0].metric
    if metric in METRICS and not METRICS[metric].each_epoch:
        raise BadInput(
            f"{metric!r} is known only at the end of a trial: nothing to prune on", source=path, key="pruner"
        )
    return pruner

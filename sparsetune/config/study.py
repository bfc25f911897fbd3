"""The study file: what to run, what may vary, what to optimise. Read and checked as a whole before anything starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparsetune.config.base import Part
from sparsetune.config.checking import check_model, expand_name
from sparsetune.config.errors import BadInput, shown, unknown
from sparsetune.config.metrics import METRICS, ON_GPU, core
from sparsetune.config.overrides import assign, flatten
from sparsetune.config.paths import Project, find_root, without_password
from sparsetune.config.registry import Registries, StudyRegistries
from sparsetune.config.space import Space, load_space
from sparsetune.config.space_checks import check_space, refuse_double
from sparsetune.config.study_file import Budget, Objective, Resources, StudyFile, Tracking
from sparsetune.config.top_level import STUDY_KEYS, refuse_other_kind, refuse_unknown
from sparsetune.config.trial import NAMED, SECTIONS, TrialConfig, resolve_trial
from sparsetune.config.variables import from_environment
from sparsetune.config.yaml_io import read_mapping

_LIST = " (`sparsetune metrics` lists them)"
_TRACKING = ("sqlite:///", "http://", "https://", "postgresql", "mysql", "mssql", "databricks")


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
    def prunes(self) -> bool:
        """Whether a pruner looks at the rows of running trials."""
        return self.pruner.name != "none"

    @property
    def report_every(self) -> str:
        """How often a trial reports. A round trip an epoch costs small trainings more than their steps."""
        auto = "1ep" if self.prunes else "1s"
        return auto if self.tracking.report_every == "auto" else self.tracking.report_every

    @property
    def definition(self) -> dict[str, Any]:
        """What makes it this study: a change of any of these is another study. Where files lie is none of it."""
        plain = self.trial.plain()
        plain["data"].pop("root", None)
        return {
            **plain,
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


def check_tracking_uri(uri: str, *, source: object = "", key: str) -> None:
    """Raise :class:`BadInput` for a place that MLflow knows nothing of, or that would not last."""
    if not uri.startswith(_TRACKING):
        problem = f"found {shown(without_password(uri))}, allowed: a URI that starts with {', '.join(_TRACKING)}"
        raise BadInput(problem, source=source, key=key)


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
    written = read_mapping(path)
    refuse_other_kind(written, "study", path)
    raw = assign(written, overrides)
    refuse_unknown(raw, STUDY_KEYS, registries, path)
    file = check_model(StudyFile, {k: v for k, v in raw.items() if k in StudyFile.model_fields}, source=path)
    project = Project(find_root(path))
    space = load_space(file.space, folder=project.root / "search_spaces", source=str(path)).without(overrides)
    trial_raw = {key: expand_name(raw[key]) if key in NAMED else raw[key] for key in SECTIONS if key in raw}
    refuse_double(trial_raw, space, path)
    trial = resolve_trial(trial_raw, registries, source=path)
    check_space(trial, space, registries)
    uri = file.tracking.uri and from_environment(file.tracking.uri, path, "tracking.uri")
    if uri:
        check_tracking_uri(uri, source=path, key="tracking.uri")
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
        tracking=file.tracking.model_copy(update={"uri": uri}),
        storage=from_environment(file.storage, path, "storage") if file.storage else project.storage_url,
    )


def _objectives(file: StudyFile, trial: TrialConfig, registries: Registries, path: Path) -> tuple[Objective, ...]:
    if not file.objectives:
        raise BadInput("missing: at least one {metric: ..., goal: ...}", source=path, key="objectives")
    task = registries.data.get(trial.data.name).task(trial.data)
    given = {*core(task), *registries.method.get(trial.method.name).metrics}
    allowed = [name for name in given if not name.startswith("test_")]
    seen = set()
    for number, objective in enumerate(file.objectives):
        key = f"objectives.{number}.metric"
        if objective.metric.startswith("test_") and objective.metric in METRICS:
            problem = f"{objective.metric!r} is of test data, which never selects anything{_LIST}"
            raise BadInput(problem, source=path, key=key)
        if objective.metric in METRICS and not METRICS[objective.metric].of(task):
            problem = f"{objective.metric!r} is of {METRICS[objective.metric].task}; {trial.data.name!r} is for {task}"
            raise BadInput(f"{problem}{_LIST}", source=path, key=key)
        if objective.metric in ON_GPU:
            problem = f"{objective.metric!r} exists on a GPU only, so it is no objective{_LIST}"
            raise BadInput(problem, source=path, key=key)
        if objective.metric in METRICS and objective.metric not in given:
            problem = f"{objective.metric!r} is no number of {trial.method.name!r}{_LIST}"
            raise BadInput(problem, source=path, key=key)
        if objective.metric not in allowed:
            problem = unknown("metric", objective.metric, allowed).partition(" (allowed")[0]  # too many to list
            raise BadInput(f"{problem}{_LIST}", source=path, key=key)
        needed = METRICS[objective.metric].needs
        if needed and flatten(trial.plain())[needed] is None:
            raise BadInput(f"{objective.metric!r} wants {needed} to be set", source=path, key=key)
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

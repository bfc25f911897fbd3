"""The keys of a study file beside those of a trial's config; of which kind a file is, and what an unknown key means.

A study, a trial's config and a search space look alike. To be told which one it is helps more than a list of keys.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationInfo, field_validator

from sparsetune.base.durations import Cadence
from sparsetune.base.errors import BadInput, shown
from sparsetune.base.shelf import LIMIT_GB
from sparsetune.base.stores.sqlite import instead
from sparsetune.config.base import Model, expand_name, param
from sparsetune.config.metrics import Goal
from sparsetune.config.own import KEY
from sparsetune.config.registry import Registries
from sparsetune.config.space.expressions import parse
from sparsetune.config.space.files import space_name
from sparsetune.config.study.constraints import Constraint
from sparsetune.config.trial import NAMED, SECTIONS, Measurement, Training


class Objective(Model):
    """A metric and its goal; with a ``score``, a number of that name which is computed from metrics."""

    metric: str
    goal: Goal
    score: str | None = param(None, "a formula of metrics, such as val_accuracy - 0.1 * density")

    @field_validator("score")
    @classmethod
    def _one_line(cls, score: str | None) -> str | None:
        return score and " ".join(score.split())

    @property
    def reads(self) -> tuple[str, ...]:
        """The metrics that it is worked out from."""
        return (self.metric,) if self.score is None else parse(self.score).names


class Budget(Model):
    """Totals over all runs of the study; a trial that failed counts."""

    trials: int = param(..., "trials in all", ge=1)


class Resources(Model):
    """What one trial gets, and what trials have in common. None of it changes a number, but for the kind of device."""

    cpus: int = param(1, "threads of a trial", ge=1)
    gpus: Literal["auto"] | float = param(
        "auto", "auto: one a trial where there are any; a fraction packs several on one"
    )

    shelf_gb: float = param(
        LIMIT_GB,
        "disk for mlruns/shelf: stages that trials of the project have in common; 0: each trial trains all of its own",
        unit="GB",
        ge=0,
        allow_inf_nan=False,
    )

    @field_validator("gpus")
    @classmethod
    def _share(cls, gpus: Literal["auto"] | float) -> Literal["auto"] | float:
        if gpus != "auto" and not (0 <= gpus <= 1 or (gpus > 1 and gpus.is_integer())):
            raise BadInput(found=f"{gpus:g}", allowed="auto, 0, a fraction of one GPU, or a whole number")
        return gpus


class Tracking(Model):
    """Where results are shown and how often a running trial is heard of. None of it changes a number."""

    uri: str | None = param(None, "MLflow's tracking URI; else MLFLOW_TRACKING_URI, else mlruns/mlflow.db")
    report_every: str = param("auto", "how often a trial reports: 5ep, 2s; auto: 1ep with a pruner, else 1s")
    checkpoint_every: str = param("10s", "how often a trial saves its state: epochs (1ep) or seconds (10s)")
    figures: Literal["front", "all", "none"] = param(
        "front", "which runs are drawn: of trials that led when they ended and of those that failed, all, or none"
    )

    models: Literal["none", "front", "best", "all"] = param(
        "none", "trials whose networks MLflow gets as models: the front, the best by each objective, all complete ones"
    )

    @field_validator("report_every", "checkpoint_every")
    @classmethod
    def _duration(cls, every: str, info: ValidationInfo) -> str:
        if (info.field_name, every) != ("report_every", "auto"):
            Cadence(every)
        return every


class Imports(Model):
    """What a study file and a config may name beside them."""

    imports: tuple[str, ...] = Field((), alias="import", description="Python files of your own, relative to this file")


class StudyFile(Imports):
    """The keys of a study file beside those of a trial's config."""

    study: str
    objectives: tuple[Objective, ...] = param((), "what to optimise; several give a Pareto front")
    budget: Budget
    space: Any = None
    sampler: Any = "tpe"
    pruner: Any = "none"
    constraints: tuple[Constraint, ...] = param((), "what a trial must reach to be allowed to win")
    replicates: int = param(1, "trainings of each trial, with seeds that all trials have in common", ge=1)
    fork: dict[str, Any] = param({}, "lists of values for parameters that matter late: one training, a row for each")
    start_with: tuple[Any, ...] = param((), "points to begin with: parameters, {best_of: STUDY} or {all_of: STUDY}")
    duplicates: Literal["reuse", "replicate", "allow"] = param(
        "reuse", "a trial like one that is complete: take its result, train it with other seeds, or train it again"
    )
    resources: Resources = Resources()
    tracking: Tracking = Tracking()
    storage: str | None = param(None, "Optuna storage URL; else mlruns/studies.db")

    @field_validator("space")
    @classmethod
    def _by_name(cls, space: Any) -> Any:
        return space_name(space)

    @field_validator("storage")
    @classmethod
    def _lasting(cls, url: str | None) -> str | None:
        if url is not None and (allowed := instead(url)):
            raise BadInput(found=shown(url), allowed=allowed)
        return url

    @field_validator("study")
    @classmethod
    def _printable(cls, name: str) -> str:
        if not name.strip() or not name.isprintable() or len(name) > 200:
            raise BadInput(found=shown(name), allowed="1 to 200 printable characters")
        return name


Kind = Literal["study", "trial", "space"]

FILE_KEYS = frozenset(each.alias or name for name, each in StudyFile.model_fields.items())
STUDY_KEYS = frozenset((*FILE_KEYS, *SECTIONS))
TRIAL_KEYS = frozenset(SECTIONS)
_STUDY_MARKS = frozenset(("study", "objectives", "budget", "space"))
_MODELS: dict[str, type[BaseModel]] = {
    "training": Training,
    "metrics": Measurement,
    "budget": Budget,
    "resources": Resources,
    "tracking": Tracking,
}
_HINTS: dict[Kind, str] = {
    "study": "this seems to be a study: start it with `sparsetune study {file}`",
    "trial": "this seems to be the config of a single trial: train it with `sparsetune run {file}`",
    "space": "this seems to be a search space: a study names it (`space: {name}`), `sparsetune spaces {name}` shows it",
}


def kind_of(raw: Mapping[str, Any]) -> Kind | None:
    """What a file with these keys seems to be; None if it could be anything."""
    if not raw:
        return None
    if all("." in key or key == "include" for key in raw):
        return "space"
    if len(_STUDY_MARKS & raw.keys()) > 1:
        return "study"
    return "trial" if raw.keys() <= {*TRIAL_KEYS, KEY} else None


def refuse_other_kind(raw: Mapping[str, Any], wanted: Kind, source: Any) -> None:
    """Raise :class:`BadInput` for a file that seems to be of another kind, with the command that takes it."""
    kind = kind_of(raw)
    if kind not in (wanted, None):
        hint = _HINTS[kind].format(file=shlex.quote(str(source)), name=source.stem)
        raise BadInput(hint, source=source)


def refuse_unknown(raw: Mapping[str, Any], allowed: Collection[str], registries: Registries, source: object) -> None:
    """Raise :class:`BadInput` for an unknown key; one that a section has (``epochs``) is shown with it."""
    for key in raw:
        if key not in allowed:
            sections = ((name, fields) for name, fields in _sections(raw, registries) if name in allowed)
            deeper = [f"'{name}.{key}'" for name, fields in sections if key in fields]
            if not deeper:
                raise BadInput.unknown("key", key, allowed, source=source, key=key)
            problem = f"unknown key {key!r}; did you mean {' or '.join(deeper)}?"
            raise BadInput(problem, source=source, key=key, code="unknown")


def _sections(raw: Mapping[str, Any], registries: Registries) -> Iterator[tuple[str, Collection[str]]]:
    """Each section with the names of its fields."""
    for section, model in _MODELS.items():
        yield section, model.model_fields
    for section in NAMED:
        spec = expand_name(raw.get(section))
        name = spec.get("name") if isinstance(spec, Mapping) else None
        registry = getattr(registries, section)
        if name in registry.names():
            yield section, registry.get(name).Config.model_fields

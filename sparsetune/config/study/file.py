"""The keys of a study file beside those of a trial's config, each checked by itself."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from sparsetune.base.durations import Cadence
from sparsetune.base.errors import shown
from sparsetune.base.stores.sqlite import instead
from sparsetune.config.base import Model, param
from sparsetune.config.metrics import Goal
from sparsetune.config.space.expressions import parse
from sparsetune.config.space.files import space_name
from sparsetune.config.study.constraints import Constraint


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
            raise ValueError(f"found {shown(url)}, allowed: {allowed}")
        return url

    @field_validator("study")
    @classmethod
    def _printable(cls, name: str) -> str:
        if not name.strip() or not name.isprintable() or len(name) > 200:
            raise ValueError(f"found {shown(name)}, allowed: 1 to 200 printable characters")
        return name

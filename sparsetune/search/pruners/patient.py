"""Patience: a trial that still improves is left alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import SerializeAsAny, field_validator

from sparsetune.base.errors import BadInput, shown
from sparsetune.config.base import Part, check_model, expand_name, param
from sparsetune.config.study.problem import Problem
from sparsetune.search.pruners import PRUNERS
from sparsetune.search.pruners.gated import GatedFront, OptunaPruner, refuse_rewinding
from sparsetune.search.space import quiet

if TYPE_CHECKING:
    from optuna.pruners import BasePruner

_WITHIN = ("asha", "hyperband", "median", "percentile", "threshold")  # those that judge epochs


class Patient(OptunaPruner):
    """Stops a trial whose last epochs are all worse than the best before them, if another pruner would, or any."""

    class Config(GatedFront):
        name: Literal["patient"] = "patient"
        patience: int = param(..., "worse epochs that are let pass; one more is too much", unit="epochs", ge=0)
        min_delta: float = param(
            0.0, "how much worse an epoch must be, in the metric's unit", ge=0, allow_inf_nan=False
        )
        pruner: SerializeAsAny[Part] | None = param(None, "who must want to stop the trial too; null: nobody")

        @field_validator("pruner", mode="before")
        @classmethod
        def _named(cls, raw: Any) -> Part | None:
            return raw if raw is None or isinstance(raw, Part) else _inner(raw)

    @classmethod
    def refuse(cls, config: Config, problem: Problem) -> None:
        super().refuse(config, problem)
        refuse_rewinding(config, problem)
        if config.pruner is not None:
            judging = config.pruner.model_copy(update={"metric": config.metric})
            try:
                PRUNERS.get(config.pruner.name).refuse(judging, problem)
            except BadInput as error:
                raise error.at(key=error.key.replace("pruner", "pruner.pruner", 1)) from None

    @classmethod
    def make(cls, config: Config, problem: Problem) -> BasePruner:
        from optuna.pruners import PatientPruner

        within = config.pruner
        inner = None if within is None else PRUNERS.get(within.name).make(within, problem)
        with quiet():  # it is experimental
            return PatientPruner(inner, patience=config.patience, min_delta=config.min_delta)


def _inner(raw: Any) -> Part:
    """The settings of the pruner within."""
    spec = expand_name(raw)
    name = spec.get("name") if isinstance(spec, Mapping) else None
    if not isinstance(name, str):
        allowed = f"a name, or a mapping with a name ({', '.join(_WITHIN)})"
        raise BadInput(found=shown(raw), allowed=allowed)
    if name not in _WITHIN:
        raise BadInput.unknown("name", name, _WITHIN)
    part: Part = check_model(PRUNERS.get(name).Config, spec)
    if getattr(part, "metric", None) is not None:
        raise BadInput("both judge the same one, which stands beside patience", key="metric", code="conflict")
    if getattr(part, "keep_front", None) is not None:
        raise BadInput("it stands beside patience, and holds for both", key="keep_front", code="conflict")
    return part

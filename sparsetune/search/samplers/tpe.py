"""Tree-structured Parzen estimator: it proposes what is likely among the good trials and rare among the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import model_validator

from sparsetune.base.errors import BadInput
from sparsetune.base.seeds import mix
from sparsetune.config.base import Part, param
from sparsetune.config.study.problem import Problem
from sparsetune.search.samplers.contract import Sampler, optuna_options
from sparsetune.search.space import quiet

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


class Tpe(Sampler):
    """For all kinds of spaces, several objectives and constraints. Pruned trials count by how far they came."""

    class Config(Part):
        name: Literal["tpe"] = "tpe"
        n_startup_trials: int = param(10, "trials that end before any is proposed; drawn at random", ge=0)
        n_ei_candidates: int = param(24, "candidates of which the best is proposed", ge=1)
        multivariate: bool | None = param(
            None, "model the parameters jointly; null: with one objective, as Optuna chooses"
        )
        group: bool | None = param(
            None,
            "joint models of the parameters that occur together; null: where some have `when` and multivariate is on",
        )
        constant_liar: bool = param(True, "count running trials as bad ones, so that workers spread")

        @model_validator(mode="after")
        def _joint(self) -> Tpe.Config:
            if self.group and self.multivariate is False:
                both = "group: true with multivariate: false"
                raise BadInput(found=both, allowed="group with multivariate", code="conflict")
            return self

    @classmethod
    def make(cls, config: Config, problem: Problem, number: int) -> BaseSampler:
        from optuna.samplers import TPESampler

        grouped, multivariate = config.group, config.multivariate
        if grouped is None:
            joint = len(problem.objectives) == 1 if multivariate is None else multivariate
            grouped = problem.conditional and joint
        elif grouped:
            multivariate = True  # which it implies
        options = optuna_options(config) | {"multivariate": multivariate, "group": grouped}
        with quiet():  # group is experimental
            return TPESampler(seed=mix(problem.seed, number), **options)

"""CMA-ES: an evolution strategy that learns how the numbers of a good config depend on one another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import model_validator

from sparsetune.base.errors import BadInput
from sparsetune.base.seeds import mix
from sparsetune.config.base import Part, param
from sparsetune.config.space.parameters import Choice
from sparsetune.config.study.problem import Problem
from sparsetune.search.samplers.contract import Sampler, optuna_options, refuse_conditions, refuse_objectives
from sparsetune.search.space import quiet

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

_KINDS = ("use_separable_cma", "with_margin", "lr_adapt")


class CmaEs(Sampler):
    """For one objective, numbers only, and hundreds of trials."""

    class Config(Part):
        name: Literal["cmaes"] = "cmaes"
        n_startup_trials: int = param(1, "trials that complete before any is proposed; drawn at random", ge=0)
        sigma0: float | None = param(
            None, "standard deviation at the start, as a share of a range (log ranges by logarithm); null: a sixth",
            gt=0, allow_inf_nan=False,
        )  # fmt: skip
        popsize: int | None = param(None, "trials of a generation; null: 4 + floor(3 ln parameters)", ge=4)
        consider_pruned_trials: bool = param(False, "a pruned trial counts with its last value")
        use_separable_cma: bool = param(False, "variances only, no covariances: faster with many parameters")
        with_margin: bool = param(False, "keep whole numbers and steps from getting stuck at one value")
        lr_adapt: bool = param(False, "adapt the learning rate: for noisy objectives and many local optima")

        @model_validator(mode="after")
        def _one_kind(self) -> CmaEs.Config:
            kinds = [kind for kind in _KINDS if getattr(self, kind)]
            if len(kinds) > 1:
                raise BadInput(found=" and ".join(kinds), allowed=f"one of {', '.join(_KINDS)}", code="conflict")
            return self

    @classmethod
    def refuse(cls, config: Config, problem: Problem) -> None:
        refuse_objectives("cmaes", problem)
        refuse_conditions("cmaes", problem, "Optuna draws such parameters at random, apart from the strategy")
        if problem.constraints:
            raise BadInput("'cmaes' ignores constraints", allowed="tpe, gp, nsga2, nsga3", key="sampler.name")
        choices = [key for key, each in problem.parameters.items() if isinstance(each, Choice) and len(each.values) > 1]
        if choices:
            raise BadInput(
                f"'cmaes' wants numbers, found a choice at {choices[0]}, which Optuna would draw at random",
                allowed="tpe, gp, nsga2, or the choice as a factor",
                key="sampler.name",
            )
        if config.use_separable_cma and len(problem.parameters) < 2:
            raise BadInput("wants two parameters, found one", key="sampler.use_separable_cma")

    @classmethod
    def make(cls, config: Config, problem: Problem, number: int) -> BaseSampler:
        from optuna.samplers import CmaEsSampler

        with quiet():  # some of these are experimental, and sigma0 is to go with Optuna 6
            return CmaEsSampler(
                warn_independent_sampling=False, seed=mix(problem.seed, number), **optuna_options(config)
            )

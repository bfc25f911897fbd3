"""Gaussian process; what failed or was pruned is heard of as the worst of all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from sparsetune.base.seeds import mix
from sparsetune.config.base import Part, param
from sparsetune.config.study.problem import Problem
from sparsetune.search.quiet import quiet
from sparsetune.search.samplers.contract import Sampler, refuse_conditions

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


class GaussianProcess(Sampler):
    """Expected improvement, of the hypervolume with several objectives. Few trials, seconds for each of them."""

    class Config(Part):
        name: Literal["gp"] = "gp"
        n_startup_trials: int = param(
            10, "trials that end before any is proposed, one of them complete; drawn at random", ge=0
        )
        deterministic_objective: bool = param(False, "equal configs give equal values: no noise is fitted")

    @classmethod
    def refuse(cls, config: Config, problem: Problem) -> None:
        refuse_conditions("gp", problem, "Optuna draws such parameters at random, apart from the model")

    @classmethod
    def make(cls, config: Config, problem: Problem, number: int) -> BaseSampler:
        from optuna.distributions import BaseDistribution
        from optuna.samplers import GPSampler
        from optuna.study import Study
        from optuna.trial import FrozenTrial

        from sparsetune.search.samplers.heard import Heard

        class Hearing(GPSampler):
            """Optuna's reads complete and running trials only."""

            def sample_relative(
                self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
            ) -> dict[str, Any]:
                return super().sample_relative(Heard(study), trial, search_space)

        with quiet():  # deterministic_objective is experimental
            return Hearing(
                n_startup_trials=config.n_startup_trials,
                deterministic_objective=config.deterministic_objective,
                warn_independent_sampling=False,
                seed=mix(problem.seed, number),
            )

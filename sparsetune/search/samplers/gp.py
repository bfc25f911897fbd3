"""Gaussian process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from sparsetune.config.base import Part, param
from sparsetune.config.problem import Problem
from sparsetune.config.seeds import mix
from sparsetune.search.quiet import quiet
from sparsetune.search.samplers.contract import Sampler, refuse_conditions

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


class GaussianProcess(Sampler):
    """Expected improvement, of the hypervolume with several objectives. Few trials, seconds for each of them."""

    class Config(Part):
        name: Literal["gp"] = "gp"
        n_startup_trials: int = param(10, "trials that complete before any is proposed; drawn at random", ge=0)
        deterministic_objective: bool = param(False, "equal configs give equal values: no noise is fitted")

    @classmethod
    def refuse(cls, config: Config, problem: Problem) -> None:
        refuse_conditions("gp", problem, "Optuna draws such parameters at random, apart from the model")

    @classmethod
    def make(cls, config: Config, problem: Problem, number: int) -> BaseSampler:
        from optuna.samplers import GPSampler

        with quiet():  # deterministic_objective is experimental
            return GPSampler(
                n_startup_trials=config.n_startup_trials,
                deterministic_objective=config.deterministic_objective,
                warn_independent_sampling=False,
                seed=mix(problem.seed, number),
            )

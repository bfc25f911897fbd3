"""Samplers that learn nothing: independent draws, and sequences whose points fill the space more evenly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from sparsetune.base.seeds import mix
from sparsetune.config.base import Part, param
from sparsetune.config.study.problem import Problem
from sparsetune.search.samplers.contract import Sampler, optuna_options, refuse_conditions
from sparsetune.search.space import distribution, quiet

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


class Random(Sampler):
    """Each parameter by itself, evenly over its range."""

    class Config(Part):
        name: Literal["random"] = "random"

    @classmethod
    def make(cls, config: Any, problem: Problem, number: int) -> BaseSampler:
        from optuna.samplers import RandomSampler

        return RandomSampler(seed=mix(problem.seed, number))


class QuasiMonteCarlo(Sampler):
    """A sequence of one order: its first point is random, as Optuna has it, and the others are the sequence's own."""

    class Config(Part):
        name: Literal["qmc"] = "qmc"
        qmc_type: Literal["sobol", "halton"] = param("sobol", "the sequence; sobol is best of a power of two of points")
        scramble: bool = param(False, "shift the sequence by the study's seed; otherwise its second point is a corner")

    @classmethod
    def refuse(cls, config: Config, problem: Problem) -> None:
        refuse_conditions("qmc", problem, "Optuna draws such parameters at random, apart from the sequence")

    @classmethod
    def make(cls, config: Config, problem: Problem, number: int) -> BaseSampler:
        from sparsetune.search.optuna_private import NumberedQMC

        space = {name: distribution(parameter) for name, parameter in problem.parameters.items()}
        with quiet():  # the sampler is experimental
            return NumberedQMC(
                number,
                space,
                warn_independent_sampling=False,
                seed=problem.seed,
                **optuna_options(config),
            )

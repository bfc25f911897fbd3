"""Quasi-random sequences: points that fill the space more evenly than random ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from sparsetune.config.base import Part, param
from sparsetune.config.study.problem import Problem
from sparsetune.search.quiet import quiet
from sparsetune.search.samplers.contract import Sampler, refuse_conditions
from sparsetune.search.space import distribution

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


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
        from optuna.distributions import BaseDistribution
        from optuna.samplers import QMCSampler
        from optuna.study import Study
        from optuna.trial import FrozenTrial

        space = {name: distribution(parameter) for name, parameter in problem.parameters.items()}

        class Numbered(QMCSampler):
            """Optuna's counts the asks that it has seen, so that one that is lost skips a point."""

            def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
                return space if number else {}

            def _find_sample_id(self, study: Study, search_space: dict[str, BaseDistribution]) -> int:
                return number - 1

        with quiet():  # the sampler is experimental
            return Numbered(
                qmc_type=config.qmc_type,
                scramble=config.scramble,
                warn_independent_sampling=False,
                seed=problem.seed,
            )

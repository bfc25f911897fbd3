"""Independent draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from sparsetune.base.seeds import mix
from sparsetune.config.base import Part
from sparsetune.config.study.problem import Problem
from sparsetune.search.samplers.contract import Sampler

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

"""All points of a grid, each once."""

from __future__ import annotations

import json
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Any, Literal

from sparsetune.base.errors import BadInput
from sparsetune.config.base import Part
from sparsetune.config.study.problem import Problem
from sparsetune.search.samplers.contract import Sampler, refuse_conditions
from sparsetune.search.space import count, endless, quiet, values

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

_LARGEST = 100_000  # points, which are kept in memory


class Grid(Sampler):
    """Every combination, in Optuna's order, which the study's seed shuffles; the study ends with the last."""

    class Config(Part):
        name: Literal["grid"] = "grid"

    @classmethod
    def refuse(cls, config: Config, problem: Problem) -> None:
        refuse_conditions("grid", problem, "combinations would differ by values that no trial has")
        for key, parameter in problem.parameters.items():
            if endless(parameter):
                raise BadInput(
                    f"'grid' wants a step for each float, found {key} without",
                    allowed="a step, a choice of values, or another sampler",
                    key="sampler.name",
                )
        size = _size(problem)
        if size > _LARGEST:
            raise BadInput(f"'grid' has {size:,} points here", allowed=f"{_LARGEST:,} at most", key="sampler.name")

    @classmethod
    def make(cls, config: Config, problem: Problem, number: int) -> BaseSampler:
        from optuna.samplers import PartialFixedSampler, RandomSampler

        space = json.dumps({name: values(each) for name, each in problem.parameters.items()})
        names, points = _grid(space, problem.seed)
        point = dict(zip(names, points[number % len(points)], strict=True))
        with quiet():  # it is experimental
            return PartialFixedSampler(point, RandomSampler())  # Optuna's own may hand out a point twice

    @classmethod
    def size(cls, config: Config, problem: Problem) -> int:
        return _size(problem)


def _size(problem: Problem) -> int:
    return prod(count(parameter) for parameter in problem.parameters.values())


@lru_cache(maxsize=4)
def _grid(space: str, seed: int) -> tuple[list[str], list[Any]]:
    """Optuna's, whose order is kept; the space is JSON, to be remembered by."""
    from sparsetune.search.optuna_private import grid

    return grid(json.loads(space), seed)

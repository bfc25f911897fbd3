"""NSGA-II and NSGA-III: generations of trials, of which the best of the front become parents of the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import model_validator

from sparsetune.base.errors import BadInput
from sparsetune.base.seeds import mix
from sparsetune.config.base import Part, param
from sparsetune.config.study.problem import Problem
from sparsetune.search.samplers.contract import Sampler, optuna_options
from sparsetune.search.space import distribution, quiet

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

_CROSSOVERS = {
    "blxalpha": "BLXAlphaCrossover",
    "sbx": "SBXCrossover",
    "spx": "SPXCrossover",
    "undx": "UNDXCrossover",
    "vsbx": "VSBXCrossover",
}
_PARENTS = {"spx": 3, "undx": 3}


class _Population(Part):
    """What both have. Choices are always crossed uniformly."""

    name: str
    population_size: int = param(50, "trials of a generation; the first is drawn at random", ge=2)
    mutation_prob: float | None = param(
        None, "chance of a parameter to be drawn anew; null: one of a config's in the mean", ge=0, le=1
    )
    crossover: Literal["uniform", "blxalpha", "sbx", "spx", "undx", "vsbx"] = param(
        "uniform", "how a child's numbers come from its parents'"
    )
    crossover_prob: float = param(0.9, "chance of a child to have several parents", ge=0, le=1)
    swapping_prob: float = param(0.5, "of uniform: chance of a parameter to come from the second parent", ge=0, le=1)

    @model_validator(mode="after")
    def _parents(self) -> _Population:
        needed = _PARENTS.get(self.crossover, 2)
        if self.population_size < needed:
            raise BadInput(f"{self.crossover!r} wants a population_size of {needed}, found {self.population_size}")
        return self

    def options(self) -> dict[str, Any]:
        """Optuna's arguments."""
        from optuna.samplers import nsgaii

        kind = _CROSSOVERS.get(self.crossover)
        return optuna_options(self) | {"crossover": kind and getattr(nsgaii, kind)()}


class _Genetic(Sampler):
    """What both do."""

    @classmethod
    def remarks(cls, config: _Population, problem: Problem) -> list[str]:
        crossed = [
            name for name, each in problem.parameters.items() if not each.when and not distribution(each).single()
        ]
        anew = 1 / max(1, len(crossed)) if config.mutation_prob is None else config.mutation_prob
        if anew < 1 or not problem.parameters:
            return []
        why = (
            f"{'one' if crossed else 'no'} parameter that all trials share"
            if config.mutation_prob is None
            else "mutation_prob: 1"
        )
        return [f"{config.name} is random search here, for it has {why}; tpe and gp learn from what has been tried"]


class Nsga2(_Genetic):
    """For several objectives, constraints, and hundreds of trials. Parameters with `when` are drawn at random, and so
    is a single one without."""

    class Config(_Population):
        name: Literal["nsga2"] = "nsga2"

    @classmethod
    def make(cls, config: Config, problem: Problem, number: int) -> BaseSampler:
        from optuna.samplers import NSGAIISampler

        with quiet():  # crossovers are experimental
            return NSGAIISampler(seed=mix(problem.seed, number), **config.options())


class Nsga3(_Genetic):
    """As NSGA-II, with parents spread by reference points: for more than three objectives."""

    class Config(_Population):
        name: Literal["nsga3"] = "nsga3"
        dividing_parameter: int = param(3, "divisions between reference points on each axis", ge=1)

    @classmethod
    def make(cls, config: Config, problem: Problem, number: int) -> BaseSampler:
        from optuna.samplers import NSGAIIISampler

        with quiet():
            return NSGAIIISampler(seed=mix(problem.seed, number), **config.options())

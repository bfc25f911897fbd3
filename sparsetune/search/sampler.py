"""Samplers by name. One is made anew for each trial, seeded by study and trial number, so a resumed study goes on
exactly as one that was never interrupted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from sparsetune.config.base import Part, param
from sparsetune.config.registry import Registry

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


class Tpe:
    """Tree-structured Parzen estimator."""

    class Config(Part):
        name: Literal["tpe"] = "tpe"
        n_startup_trials: int = param(10, "trials drawn at random first", ge=0)
        multivariate: bool = param(False, "model the parameters jointly")

    @staticmethod
    def make(config: Config, seed: int) -> BaseSampler:
        from optuna.samplers import TPESampler

        return TPESampler(
            n_startup_trials=config.n_startup_trials,
            multivariate=config.multivariate,
            seed=seed,
        )


class Random:
    """Independent draws."""

    class Config(Part):
        name: Literal["random"] = "random"

    @staticmethod
    def make(config: Config, seed: int) -> BaseSampler:
        from optuna.samplers import RandomSampler

        return RandomSampler(seed=seed)


SAMPLERS = Registry(
    "sampler",
    {"tpe": "sparsetune.search.sampler:Tpe", "random": "sparsetune.search.sampler:Random"},
)

"""What a sampler is, and the refusals that several share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sparsetune.base.errors import BadInput
from sparsetune.config.base import Part
from sparsetune.config.study.problem import Problem

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


class Sampler:
    """How the points of a study are chosen. A class to be asked; it has no instances."""

    Config: type[Part]

    @classmethod
    def refuse(cls, config: Any, problem: Problem) -> None:
        """Raise :class:`BadInput` if Optuna does not support this for the problem. By default it supports all."""

    @classmethod
    def remarks(cls, config: Any, problem: Problem) -> list[str]:
        """What is to be said of it with this problem, once a study."""
        return []

    @classmethod
    def make(cls, config: Any, problem: Problem, number: int) -> BaseSampler:
        """Optuna's sampler for one trial: its ``number`` in the cell, from 0, counts those that were given too.

        What such a sampler writes into the system attributes of trial and study at an ask has to be there at the next.
        """
        raise NotImplementedError

    @classmethod
    def size(cls, config: Any, problem: Problem) -> int | None:
        """How many different points there are, and with that numbers; None: no end."""
        return None


def optuna_options(config: Part) -> dict[str, Any]:
    """The settings of a sampler whose fields have the names of Optuna's arguments."""
    return config.model_dump(exclude={"name"})


def refuse_objectives(name: str, problem: Problem) -> None:
    """Raise :class:`BadInput` if there are several."""
    if len(problem.objectives) > 1:
        text = f"{name!r} wants one objective, found {len(problem.objectives)}"
        raise BadInput(text, allowed="tpe, gp, nsga2 and more", key="sampler.name")


def refuse_conditions(name: str, problem: Problem, why: str) -> None:
    """Raise :class:`BadInput` if a parameter has ``when``."""
    conditional = [key for key, parameter in problem.parameters.items() if parameter.when]
    if conditional:
        raise BadInput(
            f"{name!r} wants a space without `when`, found it at {conditional[0]}: {why}",
            allowed="tpe, random, nsga2",
            key="sampler.name",
        )

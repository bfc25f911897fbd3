"""Optuna's side of a space: parameters in its terms, and none of its warnings."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sparsetune.base.failpoints import failpoint
from sparsetune.config.space.parameters import Choice, Factor, Float, Int, Parameter

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import Trial


@contextmanager
def quiet() -> Iterator[None]:
    """No Python warnings inside: Optuna's of what is experimental or deprecated, numpy's of curves of NaN."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def suggester(trial: Trial) -> Callable[[str, Parameter | Factor], Any]:
    """A chooser (``config/space``) that asks an Optuna trial."""

    def choose(name: str, parameter: Parameter | Factor) -> Any:
        failpoint("between-suggests")
        if isinstance(parameter, Choice | Factor):
            return trial.suggest_categorical(name, list(parameter.values))
        if isinstance(parameter, Int):
            return trial.suggest_int(name, parameter.low, parameter.high, step=parameter.step or 1, log=parameter.log)
        return trial.suggest_float(name, parameter.low, parameter.high, step=parameter.step, log=parameter.log)

    return choose


def distribution(parameter: Parameter) -> BaseDistribution:
    """What :func:`suggester` would have Optuna keep of the parameter."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(parameter, Choice):
        return CategoricalDistribution(list(parameter.values))
    if isinstance(parameter, Int):
        return IntDistribution(parameter.low, parameter.high, step=parameter.step or 1, log=parameter.log)
    return FloatDistribution(parameter.low, parameter.high, step=parameter.step, log=parameter.log)


def endless(parameter: Parameter) -> bool:
    """Whether it has more values than can be counted out: a float without a step."""
    return isinstance(parameter, Float) and parameter.step is None


def count(parameter: Parameter) -> int:
    """How many values it has, which must not be :func:`endless`."""
    if isinstance(parameter, Choice):
        return len(parameter.values)
    step = Decimal(str(parameter.step or 1))
    return int((Decimal(str(parameter.high)) - Decimal(str(parameter.low))) / step) + 1


def values(parameter: Parameter) -> list[Any]:
    """All of them, in rising order; floats as a decimal number has them (0.3, not 0.1 + 0.2)."""
    if isinstance(parameter, Choice):
        return list(parameter.values)
    low, step = Decimal(str(parameter.low)), Decimal(str(parameter.step or 1))
    kind = int if isinstance(parameter, Int) else float
    return [kind(low + index * step) for index in range(count(parameter))]

"""A parameter of a space as an Optuna suggestion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sparsetune.config.parameters import Choice, Int, Parameter
from sparsetune.config.space import Chooser
from sparsetune.failpoints import failpoint

if TYPE_CHECKING:
    from optuna.trial import Trial


def suggester(trial: Trial) -> Chooser:
    """A chooser that asks an Optuna trial."""

    def choose(name: str, parameter: Parameter) -> Any:
        failpoint("between-suggests")
        if isinstance(parameter, Choice):
            return trial.suggest_categorical(name, list(parameter.values))
        if isinstance(parameter, Int):
            return trial.suggest_int(name, parameter.low, parameter.high, step=parameter.step or 1, log=parameter.log)
        return trial.suggest_float(name, parameter.low, parameter.high, step=parameter.step, log=parameter.log)

    return choose

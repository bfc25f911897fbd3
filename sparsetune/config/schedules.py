"""Learning rates over a training."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from sparsetune.config.base import Model, expand_name, param


class Constant(Model):
    """The learning rate stays as it is."""

    name: Literal["constant"] = "constant"


class Step(Model):
    """The learning rate is multiplied by ``gamma`` every ``every`` epochs."""

    name: Literal["step"] = "step"
    every: int = param(10, "epochs between two drops", unit="epochs", ge=1)
    gamma: float = param(0.1, "factor of a drop", gt=0, le=1)


class Cosine(Model):
    """Half a cosine from ``lr`` to ``min_lr`` over the whole training."""

    name: Literal["cosine"] = "cosine"
    min_lr: float = param(0.0, "learning rate that the curve approaches", ge=0)
    per: Literal["epoch", "step"] = param("epoch", "what the curve goes on with; by steps it ends near min_lr")


class OneCycle(Model):
    """Within one training, step by step: up from ``lr`` / ``div_factor`` to ``lr``, then down to almost nothing.

    Momentum (adam: the first beta) takes the opposite way.
    """

    name: Literal["onecycle"] = "onecycle"
    pct_start: float = param(0.3, "fraction of all steps in which the learning rate rises", ge=0, le=1)
    div_factor: float = param(25.0, "lr over the learning rate of the first step", ge=1, allow_inf_nan=False)
    final_div_factor: float = param(
        1e4, "learning rate of the first step over that of the last", ge=1, allow_inf_nan=False
    )
    cycle_momentum: bool = param(True, "let momentum fall and rise again, instead of training.momentum")
    base_momentum: float = param(0.85, "momentum where the learning rate is highest", ge=0, lt=1)
    max_momentum: float = param(0.95, "momentum of the first and the last step", ge=0, lt=1)


Schedule = Annotated[Constant | Step | Cosine | OneCycle, Field(discriminator="name"), BeforeValidator(expand_name)]

"""A test whether a trial's replicates are worse than those of the best trial."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from sparsetune.base.errors import BadInput
from sparsetune.config.base import param
from sparsetune.config.study.problem import Problem
from sparsetune.search.pruners.gated import GatedFront, OfReplicates, OptunaPruner
from sparsetune.search.space import quiet

if TYPE_CHECKING:
    from optuna.pruners import BasePruner


class Wilcoxon(OptunaPruner):
    """Trains no more replicates of a trial that is worse than the best one, by the signed-rank test of their pairs."""

    kind = OfReplicates

    class Config(GatedFront):
        name: Literal["wilcoxon"] = "wilcoxon"
        p_threshold: float = param(0.1, "how likely a worse trial may be as good; more prunes more", ge=0, le=1)
        n_startup_replicates: int = param(2, "replicates of a trial before it is judged; two at the least", ge=0)

    @classmethod
    def refuse(cls, config: Any, problem: Problem) -> None:
        super().refuse(config, problem)
        if problem.replicates < 2:
            raise BadInput("'wilcoxon' compares replicates, found none", allowed="with replicates", key="pruner.name")
        surest = 0.5 ** (problem.replicates - 1)  # p where each pair but the last is worse
        if surest >= config.p_threshold:
            raise BadInput(
                f"with p_threshold {config.p_threshold:g} {problem.replicates} replicates never decide before the last "
                f"(p is at least {surest:.3g})",
                allowed="more replicates, or a larger p_threshold",
                key="pruner.p_threshold",
            )

    @classmethod
    def make(cls, config: Config, problem: Problem) -> BasePruner:
        from optuna.pruners import WilcoxonPruner

        with quiet():  # it is experimental
            return WilcoxonPruner(p_threshold=config.p_threshold, n_startup_steps=config.n_startup_replicates)

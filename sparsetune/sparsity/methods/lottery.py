"""Lottery tickets: train, prune what is left by magnitude, rewind the survivors, train again; and the controls.

Paper:   J. Frankle, M. Carbin, The Lottery Ticket Hypothesis (2019); rewinding to an early iterate as in J. Frankle et
         al., Linear Mode Connectivity and the Lottery Ticket Hypothesis (2020).
Idea:    each level removes a fraction of the weights that have survived, those of least magnitude after training, and
         puts the others back to where they began; such a sub-network trains faster and as well, new weights under the
         same mask do not.
Hooks:   numbers, over_results.
Ranges:  search_spaces/lottery.yaml: prune_fraction 0.1-0.5, target_density 0.02-0.5 (log), rewind 0-0.1 of a level.

Level 0 is dense. ``arm`` says what is trained at each level; forked, the arms share the dense level and the chain:

- ticket: the weights of the beginning (or of ``rewind``) under the mask of the chain
- reinit_same_mask: weights drawn anew under the same mask: the paper's control
- reinit_own_chain: a chain of its own that draws weights anew at each level, and prunes what they become
- random_mask: the ticket's weights under a random mask with as many of them in each layer
- one_shot: the ticket of a single pruning of the dense network to the density of the level

Biases and BatchNorm are never pruned; they are rewound and drawn with the weights.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from sparsetune.base.durations import Duration, Share
from sparsetune.base.errors import BadInput
from sparsetune.base.messages import Metrics, Result, Which
from sparsetune.config.base import Part, param
from sparsetune.config.facts import steps_of
from sparsetune.config.registry import Registries
from sparsetune.config.trial import Training, TrialConfig
from sparsetune.sparsity.figure import OverLevels
from sparsetune.sparsity.levels import Arm, Chain, begun
from sparsetune.sparsity.magnitude import Counting, Shares
from sparsetune.sparsity.masks import kept_share
from sparsetune.sparsity.method import Method
from sparsetune.sparsity.methods.lottery_metrics import METRICS
from sparsetune.sparsity.rewinding import MANY, Rewind, check_rewind, start_of
from sparsetune.sparsity.stage import Stage
from sparsetune.sparsity.tickets import Begun

LEVELS = "levels"  # a phase
DEPTH, MOST = 8, 200
_PAPER = "Frankle and Carbin (2019)"


class LotteryConfig(Part):
    """Settings of lottery tickets."""

    name: Literal["lottery"] = "lottery"
    levels: int | None = param(
        None, f"levels of pruning after the dense one; null: as target_density says, or {DEPTH}", phase=LEVELS, ge=1
    )
    target_density: float | None = param(
        None,
        "instead of levels: as many as bring (1 - prune_fraction)^levels nearest to this kept fraction, by their ratio",
        unit="fraction",
        phase=LEVELS,
        gt=0,
        lt=1,
    )
    prune_fraction: float = param(
        0.2, "of the weights left, what a level removes", unit="fraction", phase=LEVELS, source=_PAPER, gt=0, lt=1
    )
    conv_prune_fraction: float | None = param(
        None, "the same of convolutions; null: as prune_fraction", unit="fraction", phase=LEVELS, ge=0, lt=1
    )
    output_factor: float = param(
        0.5, "factor on the fraction of the output layer; 0: never pruned", phase=LEVELS, source=_PAPER, ge=0, le=1
    )
    scope: Literal["layer", "global"] = param(
        "layer", "rank the weights of each layer, or of all layers with one fraction together", phase=LEVELS
    )
    counting: Counting = param(
        "nearest",
        "a fraction of n weights as a count: nearest whole number; percentile: ceil(p (n - 1)); above: ceil(p n) + 1",
        phase=LEVELS,
    )
    rewind: Rewind = param(
        0.0,
        "where survivors go back to: the beginning (0), a fraction of a level below 1, or a duration such as 500it",
        phase=LEVELS,
    )
    arm: Arm = param("ticket", "what is trained at each level", phase=LEVELS)
    arms_at: tuple[Annotated[int, Field(ge=1)], ...] | None = param(
        None, "levels at which arms other than the ticket are trained; null: all", unit="levels", phase=LEVELS
    )
    matching_tolerance: float = param(
        0.005,
        "matching_density allows a val_accuracy of so much below the dense network's",
        unit="fraction",
        phase=LEVELS,
        ge=0,
        lt=1,
    )

    @model_validator(mode="before")
    @classmethod
    def _levels_or_density(cls, raw: Any) -> Any:
        if isinstance(raw, Mapping) and None not in (raw.get("levels"), raw.get("target_density")):
            both = f"levels {raw['levels']} and target_density {raw['target_density']}"
            raise BadInput(found=both, allowed="one of them", code="conflict")
        return raw

    @model_validator(mode="after")
    def _has_these_levels(self) -> LotteryConfig:
        if self.depth > MOST:
            key = "levels" if self.target_density is None else "target_density"
            raise BadInput(f"{self.depth:,} levels are too many", allowed=f"up to {MOST}", key=key)
        beyond = [level for level in self.arms_at or () if level > self.depth]
        if beyond or self.arms_at == ():
            beyond_it = f"level {beyond[0]}" if beyond else "[]"
            raise BadInput(found=beyond_it, allowed=f"levels from 1 to {self.depth}, or null", key="arms_at")
        return self

    @property
    def depth(self) -> int:
        """Levels after the dense one."""
        if self.target_density is None:
            return self.levels or DEPTH
        return max(1, round(math.log(self.target_density) / math.log1p(-self.prune_fraction)))

    def start(self, length: Duration) -> Duration | Share:
        """When in a level of that length weights are as survivors are put back to be."""
        return start_of(self.rewind, length)

    @property
    def shares(self) -> Shares:
        """What a level removes of each tensor."""
        conv = self.prune_fraction if self.conv_prune_fraction is None else self.conv_prune_fraction
        return Shares(self.prune_fraction, conv, self.output_factor, self.scope == "global", self.counting)


class LotteryTicket(Method):
    """Trains as dense training does, again and again, with fewer weights."""

    Config = LotteryConfig
    metrics = ("density", *METRICS)
    arms = "arm"
    phases = ("train", LEVELS)
    results_figure = OverLevels(
        over="density",
        label="weights remaining (%)",
        first="dense",
        which="best",
        panels=(
            {"val_accuracy": "validation accuracy (fraction)", "val_loss": "validation loss"},
            {"test_accuracy": "test accuracy (fraction)", "test_loss": "test loss"},
            {"best_iteration": "early-stopping iteration"},
        ),
    )

    @classmethod
    def check(cls, config: TrialConfig, registries: Registries) -> None:
        """A level has to be longer than what is rewound to, and arms that draw weights anew have to draw them."""
        method, length = config.method, config.training.length
        assert isinstance(method, LotteryConfig)
        check_rewind(method.rewind, length, steps_of(config, registries) or MANY)
        weights = getattr(config.model, "weights", None)
        if method.arm.startswith("reinit") and weights is not None:
            problem = f"arm {method.arm!r} draws weights anew"
            raise BadInput(problem, found=repr(weights), allowed="null", key="model.weights")

    @classmethod
    def canonical(cls, config: LotteryConfig) -> LotteryConfig:
        at = tuple(sorted({*(config.arms_at or range(1, config.depth + 1))}))
        said = {
            "levels": config.depth,
            "target_density": None,
            "arms_at": at,
            "conv_prune_fraction": config.shares.conv,
        }
        return config.model_copy(update=said)

    @classmethod
    def tree(cls, config: LotteryConfig, training: Training) -> Stage:
        stage = partial(cls.stage, config=config, training=training, phase=cls.phases[0])
        results: tuple[Which, ...] = ("best", "last") if training.keep == "last" else ("last", "best")
        chain = Chain(stage, results, training.length, config.start(training.length), config.shares, config.depth)
        return chain.arm(config.arm, config.arms_at)

    @classmethod
    def begun(cls, stage: Stage) -> Begun | None:
        """Levels that draw weights anew leave no ticket."""
        return begun(stage)

    def numbers(self) -> Metrics:
        """The density that masks allow."""
        sizes = {name: weight.numel() for name, weight in self.session.prunable.items()}
        return {"density": kept_share(self.session.masks, sizes)}

    @classmethod
    def over_results(cls, config: LotteryConfig, results: Sequence[Result]) -> Metrics:
        best = [each.metrics for each in results if each.which == "best" and "val_accuracy" in each.metrics]
        if not best:
            return {}
        dense = best[0]["val_accuracy"]
        matching = [each for each in best if each["val_accuracy"] >= dense - config.matching_tolerance]
        least = min(matching, key=lambda each: each["density"])
        return {
            "dense_val_accuracy": dense,
            "matching_density": least["density"],
            "matching_val_accuracy": least["val_accuracy"],
            "matching_test_accuracy": least["test_accuracy"],
        }

"""Strong lottery tickets (SLT): find a good sub-network of random weights that are never trained.

Paper:   V. Ramanujan et al., What's Hidden in a Randomly Weighted Neural Network? (2020); one threshold for all layers
         as in K. Sreenivasan et al., Rare Gems (2022); averaged over dropout as in custom-computing-ic/sbcube.
Idea:    each weight has a score; the largest |score| of all layers together are kept, the gradient passes straight
         through the mask to the scores of kept and removed weights, and only scores are updated.
Hooks:   before_batch, after_step, begin_evaluation, predict.
Ranges:  search_spaces/slt.yaml: sparsity 0.1-0.9, lr 0.01-1 (log); search_spaces/mc_dropout.yaml.

Nothing else is trained: no biases, norms without scale and shift. ``sparsity`` is the fraction removed; published
programs mean the kept one by the same word. The threshold is exact at every batch; weights that equal it are removed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import torch
from pydantic import model_validator
from torch import Tensor, nn

from sparsetune.base.errors import BadInput
from sparsetune.base.seeds import mix
from sparsetune.config.base import EVALUATION, param
from sparsetune.config.registry import Registries
from sparsetune.config.trial import TrialConfig
from sparsetune.sparsity.dropout import DropoutConfig
from sparsetune.sparsity.edge_popup import EdgePopup, make_bare
from sparsetune.sparsity.method import TrainingFailed
from sparsetune.sparsity.metrics import SEED_MASK
from sparsetune.sparsity.monte_carlo import MonteCarloMethod
from sparsetune.sparsity.session import Session

_SCORES = 0x5C03E5  # the scores' random numbers, apart from the weights'
_PAPER = "Ramanujan et al. (2020)"


class SltConfig(DropoutConfig):
    """Settings of strong lottery tickets."""

    name: Literal["slt"] = "slt"
    sparsity: float = param(
        0.5, "fraction of the weights that is removed", unit="fraction", phase="train", source=_PAPER, ge=0, lt=1
    )
    scope: Literal["global", "layer"] = param(
        "global", "remove that fraction of all weights together, or of each layer", phase="train"
    )
    scale_weights: bool = param(
        False, "divide the weights by the root of the kept fraction, as if fan_in were what is kept", phase="train"
    )
    rank_by_fan_in: bool = param(
        False, "rank |score| sqrt(fan_in), so that all layers begin with equal densities", phase="train"
    )
    mc_samples: int = param(
        1,
        "networks with other units dropped whose predictions are averaged in evaluation; 0: one in which nothing is",
        phase=EVALUATION,
        needs="n_dropout_layers",
        ge=0,
        le=1000,
    )

    @model_validator(mode="before")
    @classmethod
    def _kept_or_removed(cls, raw: Any) -> Any:
        """Words that published programs use for the kept fraction, too."""
        for word in ("density", "prune_rate", "slt_sparsity"):
            if isinstance(raw, Mapping) and word in raw:
                raise ValueError(f"found {word!r}, allowed: sparsity, the fraction removed, which is 1 - density")
        return raw


class StrongLotteryTicket(MonteCarloMethod):
    """Trains scores, and lets the network hold what they keep."""

    Config = SltConfig
    metrics = (SEED_MASK,)
    defaults: ClassVar[Mapping[str, Any]] = {
        "model.init": "signed_constant",
        "training.lr": 0.1,
        "training.schedule": {"name": "cosine", "per": "step"},
        "metrics.each_epoch": True,
    }

    def __init__(self, config: SltConfig, session: Session) -> None:
        super().__init__(config, session)
        make_bare(session.network, session.prunable)
        weights = dict(session.prunable)
        if config.scale_weights:
            with torch.no_grad():
                torch._foreach_div_(list(weights.values()), math.sqrt(1 - config.sparsity))
        self._edges = EdgePopup(
            weights,
            config.sparsity,
            by_layer=config.scope == "layer",
            by_fan_in=config.rank_by_fan_in,
            generator=torch.Generator().manual_seed(mix(session.seed, _SCORES)),
        )
        self._moved = True  # scores have changed since weights were selected
        self._trained = False

    @classmethod
    def check(cls, config: TrialConfig, registries: Registries) -> None:
        """Weights come from the seed, for a ticket holds nothing else of them, nor a trained deviation."""
        super().check(config, registries)
        weights = getattr(config.model, "weights", None)
        if weights is not None:
            raise BadInput("'slt' draws weights", found=repr(weights), allowed="null", key="model.weights")
        if config.training.loss is not None:
            raise BadInput(
                "a ticket holds no sigma", found=repr(config.training.loss), allowed="null", key="training.loss"
            )

    def parameters(self) -> list[nn.Parameter]:
        """The scores, as one vector."""
        return [self._edges.scores]

    def before_batch(self) -> None:
        """Select anew, once for all batches between two steps."""
        if self._moved:
            self._edges.select()
            self._moved = False

    def after_step(self) -> None:
        self._moved = self._trained = True

    def begin_evaluation(self) -> None:
        """Raises :class:`TrainingFailed` where a layer holds no weight, after training."""
        super().begin_evaluation()
        self.before_batch()
        if not self._trained:
            return
        for name, count in zip(self._edges.names, self._edges.kept_counts(), strict=True):
            if count == 0:
                problem = f"layer_collapse: no weight of {name} is kept at sparsity {self.config.sparsity:g}"
                raise TrainingFailed(f"{problem}; {self._remedies()} it may be")

    def _remedies(self) -> str:
        """What may keep a weight in each layer and is not set."""
        if self.config.scope == "layer":
            return "with less"
        return "with less or by layer" if self.config.rank_by_fan_in else "with less, with rank_by_fan_in or by layer"

    @property
    def drawn(self) -> Tensor:
        return self._edges.drawn

    @property
    def mask(self) -> Tensor:
        return self._edges.kept

    def wear(self, mask: Tensor) -> None:
        self._edges.keep(mask)
        self._moved = False

    def state_dict(self) -> dict[str, Any]:
        return {"scores": self._edges.scores.detach()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """The network, which is loaded before, holds what these scores keep, or its best state."""
        self._edges.take_up(state["scores"])
        self._moved, self._trained = False, True

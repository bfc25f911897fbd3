"""RL1 (relaxed L1): training with an L1 penalty, then pruning and fine-tuning without it.

Source:  L0-and-behold/efficient-compression.
Idea:    alpha |w| pulls all weights towards 0 alike; TAMADE prunes as far as a tolerated loss allows, and what is left
         grows back to its size in fine-tuning.
Hooks:   after_backward, after_step, numbers.
Ranges:  search_spaces/compression.yaml: alpha 1e-7-1e-3 (log); search_spaces/tamade.yaml: delta 0-0.5.
"""

from __future__ import annotations

from typing import Literal

import torch

from sparsetune.config.base import param
from sparsetune.sparsity.compression_settings import TRAIN
from sparsetune.sparsity.penalised import Penalised, PenalisedConfig
from sparsetune.sparsity.penalties import RelaxedL1


class Rl1Config(PenalisedConfig):
    """Settings of relaxed L1."""

    name: Literal["rl1"] = "rl1"
    penalty: Literal["gradient", "decoupled", "proximal"] = param(
        "gradient",
        "its gradient is added to that of the loss, so that Adam rescales it; or taken off beside the step, times lr; "
        "proximal: a soft threshold by lr alpha beside the step, which gives exact zeros",
        phase=TRAIN,
    )


class RelaxedLasso(Penalised):
    """Trains with an L1 penalty."""

    Config = Rl1Config

    def penalty_of(self, alpha: float, rho: float) -> RelaxedL1:
        return RelaxedL1(alpha, rho)

    @property
    def present(self) -> RelaxedL1 | None:
        penalty = super().present
        assert penalty is None or isinstance(penalty, RelaxedL1)
        return penalty

    @torch.no_grad()
    def after_step(self) -> None:
        super().after_step()
        if self.config.penalty == "proximal" and (penalty := self.present) is not None:
            for weight in self.weights.values():
                weight.copy_(penalty.proximal(weight, self.lr))

"""DRR: training with a smooth exponential l0 penalty, then pruning and fine-tuning.

Source:  L0-and-behold/efficient-compression.
Idea:    alpha (1 - exp(-beta |w|)) grows like |w| near 0 and hardly beyond, so that small weights go and large ones are
         not shrunk; TAMADE then prunes as far as a tolerated loss allows, and the survivors are trained on without it.
Hooks:   after_backward, after_step, numbers.
Ranges:  search_spaces/compression.yaml: alpha 1e-7-1e-3 (log), beta 1-25 (log); search_spaces/tamade.yaml: delta 0-0.5.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from torch import Tensor

from sparsetune.config.base import param
from sparsetune.sparsity.compression_settings import TRAIN
from sparsetune.sparsity.penalised import Penalised, PenalisedConfig, normed
from sparsetune.sparsity.penalties import Drr


class DrrConfig(PenalisedConfig):
    """Settings of DRR."""

    name: Literal["drr"] = "drr"
    penalty: Literal["gradient", "decoupled"] = param(
        "gradient",
        "its gradient is added to that of the loss, so that Adam rescales it, or taken off beside the step, times lr",
        phase=TRAIN,
    )
    beta: float = param(
        5.0, "how sharply the penalty bends: it is felt up to about 1 / beta", phase=TRAIN, ge=0, allow_inf_nan=False
    )
    norm: Literal["none", "block", "stage"] = param(
        "none", "scale alpha so that all blocks (a weight with its bias), or all stages, weigh alike", phase=TRAIN
    )


class DifferentiableRelaxation(Penalised):
    """Trains with a penalty that counts weights smoothly."""

    Config = DrrConfig

    def scaled(self, weights: Mapping[str, Tensor]) -> list[float]:
        norm = self.config.norm
        return super().scaled(weights) if norm == "none" else normed(self.session.network, weights, norm)

    def penalty_of(self, alpha: float, rho: float) -> Drr:
        return Drr(alpha, self.config.beta, rho)

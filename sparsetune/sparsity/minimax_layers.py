"""Layerwise pruning beside PMMP's keep probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from sparsetune.sparsity.layer_inputs import LinearMap
from sparsetune.sparsity.layerwise import LayerwisePruning
from sparsetune.sparsity.mask_fit import MaskFit
from sparsetune.sparsity.minimax import copies_of
from sparsetune.sparsity.session import Session


@dataclass(frozen=True)
class KeptByLayer(LayerwisePruning):
    """Layers' fits begin with the keep probabilities that there are, and leave decided ones, and copies that agree."""

    def keep_at_start(self, session: Session, layer: LinearMap, target: Tensor) -> Tensor:
        copies = copies_of(session)
        if layer.weight not in copies:
            return super().keep_at_start(session, layer, target)
        pairs = zip(layer.names, layer.parameters, strict=True)
        parts = [copies[name].keep if name in copies else torch.ones_like(each) for name, each in pairs]
        return layer.joined(parts) * (target != 0)

    @torch.no_grad()
    def leave(self, session: Session, layer: LinearMap, fit: MaskFit) -> None:
        super().leave(session, layer, fit)
        copies = copies_of(session)
        for name, weight in zip(layer.names, layer.parameters, strict=True):
            if name in copies:
                copies[name].keep.copy_(session.masks[name])
                copies[name].free.copy_(weight)

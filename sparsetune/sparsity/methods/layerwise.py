"""Layerwise pruning of a trained network: each layer's masks are fitted to its own outputs, then TAMADE, fine-tuning.

Source:  L0-and-behold/efficient-compression (layerwise_procedure).
Idea:    from the last layer to the first, weights and keep probabilities such that the layer's outputs on training
         samples hardly change while few weights are kept; what is left makes up for what goes. No penalty in training.
         Layers of more than 8,192 inputs, or that share weights, are left to TAMADE.
Hooks:   numbers.
Ranges:  search_spaces/layerwise.yaml: layerwise_alpha 0.01-100 (log), layerwise_lr 1e-3-3e-2 (log);
         search_spaces/tamade.yaml: delta 0-0.5.
"""

from __future__ import annotations

from typing import Literal

from sparsetune.config.base import param
from sparsetune.sparsity.compression import Compression
from sparsetune.sparsity.compression_settings import PRUNE, CompressionConfig


class LayerwiseConfig(CompressionConfig):
    """Layerwise pruning has the settings of all methods of compression."""

    name: Literal["layerwise"] = "layerwise"
    layerwise_pruning: Literal[True] = param(True, "always with this method", phase=PRUNE)


class LayerwisePruned(Compression):
    """Adds nothing to the loss."""

    Config = LayerwiseConfig

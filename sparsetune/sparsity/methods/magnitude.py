"""Magnitude pruning of a trained network: plain training, then as much as a tolerated loss allows, then fine-tuning.

Paper:   S. Han et al., Learning both Weights and Connections for Efficient Neural Networks (2015); how much is pruned
         TAMADE says, as in L0-and-behold/efficient-compression.
Idea:    no penalty: the null method of compression, which takes the same path as ``drr`` and ``rl1``.
Hooks:   numbers.
Ranges:  search_spaces/tamade.yaml: delta 0-0.5.
"""

from __future__ import annotations

from typing import Literal

from sparsetune.sparsity.compression import Compression
from sparsetune.sparsity.compression_settings import CompressionConfig


class MagnitudeConfig(CompressionConfig):
    """Magnitude pruning has the settings of all methods of compression."""

    name: Literal["magnitude"] = "magnitude"


class MagnitudePruning(Compression):
    """Adds nothing to the loss."""

    Config = MagnitudeConfig

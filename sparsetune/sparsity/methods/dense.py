"""Dense training: the null method, which takes the same path as every other.

Idea:    train all weights on all samples; with dropout layers, average predictions over networks with dropped units.
Hooks:   begin_evaluation, predict.
Ranges:  those of the ``training`` section; search_spaces/optimizer.yaml. p_dropout 0.02-0.6, mc_samples 1-50 (log).
"""

from typing import Literal

from sparsetune.sparsity.dropout import DropoutConfig
from sparsetune.sparsity.monte_carlo import MonteCarloMethod


class DenseConfig(DropoutConfig):
    """Dense training has no settings but those of dropout."""

    name: Literal["dense"] = "dense"


class Dense(MonteCarloMethod):
    """Changes nothing."""

    Config = DenseConfig

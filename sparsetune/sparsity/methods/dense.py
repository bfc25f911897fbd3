"""Dense training: the null method, which takes the same path as every other.

Idea:    train all weights on all samples.
Hooks:   none.
Ranges:  those of the ``training`` section; search_spaces/optimizer.yaml.
"""

from typing import Literal

from sparsetune.config.base import Part
from sparsetune.sparsity.method import Method


class DenseConfig(Part):
    """Dense training has no settings of its own."""

    name: Literal["dense"] = "dense"


class Dense(Method):
    """Changes nothing."""

    Config = DenseConfig

"""Fully connected networks of the lottery ticket papers: equal hidden layers, and LeNet-300-100 under its own name.

Sources: ChenDaiwei-99/lottery-ticket-hypothesis-different-scale (fc); J. Frankle, M. Carbin, The Lottery Ticket
Hypothesis (2019), figure 2 (LeNet-300-100, also fc1).
"""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal

from torch import nn

from sparsetune.config.base import param
from sparsetune.models.contract import Model, ModelConfig
from sparsetune.models.mlp import perceptron


class FcConfig(ModelConfig):
    """Settings of ``fc``."""

    name: Literal["fc"] = "fc"
    n_layers: int = param(2, "hidden layers", unit="layers", ge=1)
    n_neurons: int = param(10, "units of each hidden layer", unit="units", ge=1)

    @property
    def hidden(self) -> tuple[int, ...]:
        return (self.n_neurons,) * self.n_layers


class Lenet300Config(ModelConfig):
    """LeNet-300-100 has the common settings only."""

    name: Literal["lenet_300_100"] = "lenet_300_100"

    @property
    def hidden(self) -> tuple[int, ...]:
        return (300, 100)


class Fc(Model):
    """flatten -> [linear -> ReLU] x n_layers -> linear; 784-10-10-10 has 8,070 parameters."""

    Config: ClassVar[type[ModelConfig]] = FcConfig

    @classmethod
    def dropout_sites(cls, config: Any) -> tuple[str, ...]:
        return tuple(f"relu{number}" for number, _ in enumerate(config.hidden, start=1))

    @classmethod
    def network(cls, config: Any, input_shape: tuple[int, ...], outputs: int) -> nn.Module:
        return perceptron([math.prod(input_shape), *map(config.scaled, config.hidden), outputs])


class Lenet300(Fc):
    """784-300-100-10: 266,610 parameters."""

    Config = Lenet300Config

"""Layers of linear units: LeNet-300-100 by default, a linear model without hidden layers.

Source: Y. LeCun et al., Gradient-Based Learning Applied to Document Recognition (1998), with ReLU for tanh.
Teacher and student of L0-and-behold/efficient-compression are ``hidden: [5, 8]`` and ``hidden: [25, 25]`` with
``activation: tanh``.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field
from torch import nn

from sparsetune.config.base import param
from sparsetune.models.contract import Model, ModelConfig
from sparsetune.models.layers import ACTIVATIONS


class MlpConfig(ModelConfig):
    """Settings of the multilayer perceptron."""

    name: Literal["mlp"] = "mlp"
    hidden: tuple[Annotated[int, Field(ge=1)], ...] = param(
        (300, 100), "units of each hidden layer; [] is a linear model", unit="units"
    )
    activation: Literal["relu", "tanh", "sigmoid"] = param("relu", "what a hidden layer's outputs go through")
    batch_norm: bool = param(False, "BatchNorm between a hidden layer and its activation")
    dropout: float = param(0.0, "fraction of a hidden layer's outputs set to zero in training", ge=0, lt=1)


class Mlp(Model):
    """flatten -> [linear -> (BatchNorm) -> activation -> (dropout)] for each hidden layer -> linear."""

    Config = MlpConfig

    @classmethod
    def batch_norm(cls, config: MlpConfig) -> bool:
        return config.batch_norm and bool(config.hidden)

    @classmethod
    def dropout_sites(cls, config: MlpConfig) -> tuple[str, ...]:
        return tuple(f"{config.activation}{number}" for number, _ in enumerate(config.hidden, start=1))

    @classmethod
    def network(cls, config: MlpConfig, input_shape: tuple[int, ...], outputs: int) -> nn.Module:
        return perceptron(
            [math.prod(input_shape), *map(config.scaled, config.hidden), outputs],
            config.activation,
            batch_norm=config.batch_norm,
            dropout=config.dropout,
        )


def perceptron(
    widths: Sequence[int], activation: str = "relu", *, batch_norm: bool = False, dropout: float = 0.0
) -> nn.Sequential:
    """From (N, ...) of ``widths[0]`` numbers to (N, ``widths[-1]``), nothing after the last linear layer."""
    layers: OrderedDict[str, nn.Module] = OrderedDict(flatten=nn.Flatten())
    last = len(widths) - 1
    for number in range(1, last):
        units = widths[number]
        layers[f"linear{number}"] = nn.Linear(widths[number - 1], units, bias=not batch_norm)  # BatchNorm has its own
        if batch_norm:
            layers[f"norm{number}"] = nn.BatchNorm1d(units)
        layers[f"{activation}{number}"] = ACTIVATIONS[activation]()
        if dropout:
            layers[f"dropout{number}"] = nn.Dropout(dropout)
    layers[f"linear{last}"] = nn.Linear(widths[-2], widths[-1])
    return nn.Sequential(layers)

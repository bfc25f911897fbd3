"""Layers of linear units: LeNet-300-100 by default, a linear classifier without hidden layers.

Source: Y. LeCun et al., Gradient-Based Learning Applied to Document Recognition (1998), with ReLU for tanh.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import Annotated, Literal

from pydantic import Field
from torch import nn

from sparsetune.config.base import Part, param
from sparsetune.config.errors import BadInput
from sparsetune.config.registry import Registries
from sparsetune.config.trial import TrialConfig


class MlpConfig(Part):
    """Settings of the multilayer perceptron."""

    name: Literal["mlp"] = "mlp"
    hidden: tuple[Annotated[int, Field(ge=1)], ...] = param(
        (300, 100), "units of each hidden layer; [] is a linear classifier", unit="units"
    )
    batch_norm: bool = param(False, "BatchNorm between a hidden layer and its ReLU")
    dropout: float = param(0.0, "fraction of a hidden layer's outputs set to zero in training", ge=0, lt=1)


class Mlp:
    """flatten -> [linear -> (BatchNorm) -> ReLU -> (dropout)] for each hidden layer -> linear."""

    Config = MlpConfig

    @classmethod
    def check(cls, config: TrialConfig, registries: Registries) -> None:
        """BatchNorm cannot train on a batch of one sample, nor on a last one."""
        model, batch = config.model, config.training.batch_size
        assert isinstance(model, MlpConfig)
        samples: int = registries.data.get(config.data.name).train_samples
        if model.batch_norm and model.hidden and (batch == 1 or samples % batch == 1):
            raise BadInput(
                f"{samples:,} samples in batches of {batch} leave a batch of one, which batch_norm cannot train on",
                key="training.batch_size",
            )

    @classmethod
    def build(cls, config: MlpConfig, input_shape: tuple[int, ...], classes: int) -> nn.Module:
        """A float32 network from (N, *input_shape) to logits (N, classes); draws from torch's global generator."""
        layers: OrderedDict[str, nn.Module] = OrderedDict(flatten=nn.Flatten())
        width = math.prod(input_shape)
        for number, units in enumerate(config.hidden, start=1):
            layers[f"linear{number}"] = nn.Linear(width, units, bias=not config.batch_norm)  # BatchNorm has its own
            if config.batch_norm:
                layers[f"norm{number}"] = nn.BatchNorm1d(units)
            layers[f"relu{number}"] = nn.ReLU()
            if config.dropout:
                layers[f"dropout{number}"] = nn.Dropout(config.dropout)
            width = units
        layers[f"linear{len(config.hidden) + 1}"] = nn.Linear(width, classes)
        return nn.Sequential(layers)

"""Units without a path go from the models that there are, and their outputs stay the same."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from sparsetune.models import MODELS
from sparsetune.sparsity.units.removal import removal
from tests.sparsity.pruned import pruned, size, without

GREY, COLOUR = (1, 28, 28), (3, 32, 32)
CASES: dict[str, tuple[tuple[int, ...], dict[str, Any]]] = {
    "mlp": (GREY, {}),
    "mlp tanh": ((5,), {"hidden": (20, 20, 20), "activation": "tanh"}),
    "mlp sigmoid": ((5,), {"hidden": (20, 20), "activation": "sigmoid", "dropout": 0.5}),
    "mlp batch_norm": ((1, 8, 8), {"hidden": (40, 30), "batch_norm": True}),
    "fc": (GREY, {"n_layers": 3}),
    "lenet_300_100": (GREY, {}),
    "lenet5": (GREY, {}),
    "lenet5_caffe": (GREY, {}),
    "lenet5_tanh": (GREY, {}),
    "lenet_sbcube": (GREY, {}),
    "conv2": (GREY, {"width_scale": 0.25}),
    "conv4": (COLOUR, {"width_scale": 0.25}),
    "conv6": (COLOUR, {"width_scale": 0.25}),
    "conv8": (GREY, {"width_scale": 0.25}),
    "alexnet": (COLOUR, {"width_scale": 0.125}),
    "vgg16": (COLOUR, {"width_scale": 0.25}),
    "vgg16 plain": (GREY, {"width_scale": 0.125, "batch_norm": False}),
    "resnet18": (GREY, {"width_scale": 0.25}),
    "resnet20": (COLOUR, {}),
    "resnet50": (COLOUR, {"width_scale": 0.125}),
    "vit_b_16": ((1, 32, 32), {"width_scale": 0.0625}),
    "convnext_base": ((1, 32, 32), {"width_scale": 0.0625}),
    "densenet121": (COLOUR, {"width_scale": 0.25}),
}
SLOW = ("resnet50", "vit_b_16", "convnext_base", "densenet121")
SEEDS = {"mlp": 1, "mlp tanh": 3, "mlp sigmoid": 3, "mlp batch_norm": 3, "lenet5_caffe": 3, "resnet20": 3}


def build(name: str) -> tuple[nn.Module, torch.Tensor]:
    """And eight samples for it."""
    input_shape, settings = CASES[name]
    model = MODELS.get(name.split()[0])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = model.build(model.Config(**settings), input_shape, 10)
    return network, torch.randn(8, *input_shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.mark.parametrize(
    ("name", "seed"),
    [
        pytest.param(name, seed, marks=pytest.mark.slow if name in SLOW else ())
        for name in CASES
        for seed in range(SEEDS.get(name, 1))
    ],
)
def test_outputs_stay_the_same(name: str, seed: int) -> None:
    network, inputs = build(name)
    smaller, told = without(pruned(network, seed), inputs)
    assert told.removed > told.units // 10
    assert size(smaller) < 0.95 * size(network)


@pytest.mark.parametrize("name", [name for name in CASES if name not in SLOW])
def test_of_a_dense_network_nothing_goes(name: str) -> None:
    network, inputs = build(name)
    told = removal(network.double(), inputs[:1])
    assert (told.cuts, told.shifts, told.removed, told.stuck) == ((), {}, 0, 0)
    assert told.units > 0


def test_every_model_is_followed() -> None:
    assert {name.split()[0] for name in CASES} == set(MODELS.names())

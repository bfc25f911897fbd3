"""Every model holds what the suite promises; the rows are of sizes that a core runs in a moment."""

from __future__ import annotations

from typing import Any

import pytest

from sparsetune.models import MODELS
from sparsetune.testing.models import CHECKS, Check, ModelCase

GREY, COLOUR, LARGE = (1, 28, 28), (3, 32, 32), (3, 64, 64)


def case(name: str, input_shape: tuple[int, ...], outputs: int, **settings: Any) -> ModelCase:
    model = MODELS.get(name)
    return ModelCase(model, model.Config(**settings), input_shape, outputs)


CASES = {
    "mlp": case("mlp", GREY, 10),
    "linear": case("mlp", (1, 8, 8), 10, hidden=()),
    "mlp with batch_norm": case("mlp", (1, 8, 8), 10, hidden=(32, 16), batch_norm=True),
    "mlp with dropout": case("mlp", (5,), 3, hidden=(32,), dropout=0.5),
    "student": case("mlp", (2,), 2, hidden=(25, 25), activation="tanh"),
    "fc": case("fc", GREY, 10, n_layers=3, n_neurons=20),
    "lenet_300_100": case("lenet_300_100", GREY, 10),
    "lenet5": case("lenet5", GREY, 10),
    "lenet5 in colour": case("lenet5", COLOUR, 100),
    "lenet5 with sigmoid": case("lenet5", (1, 32, 32), 10, activation="sigmoid"),
    "lenet5_caffe": case("lenet5_caffe", GREY, 10),
    "lenet5_tanh": case("lenet5_tanh", GREY, 10),
    "lenet5_tanh in colour": case("lenet5_tanh", COLOUR, 10),
    "lenet_sbcube": case("lenet_sbcube", GREY, 10),
    "conv2": case("conv2", GREY, 10, width_scale=0.25),
    "conv4": case("conv4", COLOUR, 10, width_scale=0.25),
    "conv6": case("conv6", COLOUR, 10, width_scale=0.25),
    "conv8": case("conv8", GREY, 10, width_scale=0.25),
    "alexnet": case("alexnet", GREY, 10, width_scale=0.125),
    "alexnet in colour": case("alexnet", COLOUR, 10, width_scale=0.125),
    "alexnet on photos": case("alexnet", LARGE, 10, width_scale=0.125),
    "vgg16": case("vgg16", COLOUR, 10, width_scale=0.25),
    "vgg16 on grey": case("vgg16", GREY, 10, width_scale=0.25),
    "vgg16 without batch_norm": case("vgg16", GREY, 10, width_scale=0.125, batch_norm=False),
    "resnet18": case("resnet18", GREY, 10, width_scale=0.25),
    "resnet18 on photos": case("resnet18", LARGE, 10, width_scale=0.25),
    "resnet20": case("resnet20", COLOUR, 10),
    "resnet50": case("resnet50", COLOUR, 10, width_scale=0.125),
    "vit_b_16": case("vit_b_16", (1, 32, 32), 10, width_scale=0.0625),
    "convnext_base": case("convnext_base", (1, 32, 32), 10, width_scale=0.0625),
    "densenet121": case("densenet121", COLOUR, 10, width_scale=0.25),
    "densenet121 on photos": case("densenet121", (1, 64, 64), 10, width_scale=0.25),
}


DEEP = (
    "densenet121",
    "densenet121 on photos",
    "convnext_base",
    "vgg16 without batch_norm",
    "resnet50",
    "resnet18 on photos",
)


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow if name in DEEP else ()) for name in CASES])
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_conformance(check: Check, name: str) -> None:
    check(CASES[name])


def test_every_name_of_the_registry_has_a_row() -> None:
    assert {case.config.name for case in CASES.values()} == set(MODELS.names())
    assert {case.model for case in CASES.values()} == {MODELS.get(name) for name in MODELS.names()}

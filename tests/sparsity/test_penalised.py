"""By what penalties of blocks and stages are scaled, on networks that the models build."""

from __future__ import annotations

import pytest
import torch

from sparsetune.models import MODELS
from sparsetune.sparsity.penalised import blocks, normed, stages
from sparsetune.sparsity.tamade import with_biases
from sparsetune.training.session import TrainingSession


def session(name: str, shape: tuple[int, ...]) -> TrainingSession:
    model = MODELS.get(name)
    with torch.device("meta"):
        network = model.build(model.Config(), shape, 10)
    return TrainingSession.of(network, model.prunable(network))


def test_lenet_by_hand() -> None:
    """Three layers with 235,500, 30,100 and 1,010 numbers of 266,610: each weighs a third."""
    lenet = session("lenet_300_100", (1, 28, 28))
    weights = with_biases(lenet, True)
    factors = dict(zip(weights, normed(lenet.network, weights, "block"), strict=True))
    assert factors["linear1.weight"] == factors["linear1.bias"] == pytest.approx(266_610 / (235_500 * 3))
    assert factors["linear3.weight"] == pytest.approx(266_610 / (1_010 * 3))
    assert normed(lenet.network, weights, "stage") == pytest.approx(list(factors.values()))


def test_vgg_has_sixteen_blocks_and_six_stages() -> None:
    """Five of convolutions between poolings, and its linear layer each by itself."""
    vgg = session("vgg16", (3, 32, 32))
    weights = with_biases(vgg, True)
    linear = sum(name.startswith("classifier") and name.endswith("weight") for name in weights)
    assert len({*blocks(vgg.network, weights).values()}) == 13 + linear
    assert len({*stages(vgg.network, weights).values()}) == 5 + linear


@pytest.mark.parametrize("name", ["vit_b_16", "resnet20", "lenet5_caffe"])
@pytest.mark.parametrize("norm", ["block", "stage"])
def test_all_weigh_alike(name: str, norm: str) -> None:
    """In sum as without it, whatever the architecture."""
    network = session(name, {"vit_b_16": (3, 224, 224), "resnet20": (3, 32, 32)}.get(name, (1, 28, 28)))
    weights = with_biases(network, True)
    factors = normed(network.network, weights, norm)
    sizes = [weight.numel() for weight in weights.values()]
    assert sum(size * factor for size, factor in zip(sizes, factors, strict=True)) == pytest.approx(sum(sizes))
